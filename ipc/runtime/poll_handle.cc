#include "ipc/runtime/poll_handle.h"

#include <sys/epoll.h>

namespace openmmp {

namespace {
static_assert(PollHandle::readable == EPOLLIN && PollHandle::writable == EPOLLOUT &&
              PollHandle::ended == EPOLLRDHUP && PollHandle::urgent == EPOLLPRI &&
              PollHandle::failed == EPOLLERR);
}

PollHandle::PollHandle(Loop& loop, UniqueFd fd)
    : loop_(&loop), watch_(std::make_unique<Loop::Watch>()) {
  watch_->fd = std::move(fd);
}

PollHandle& PollHandle::operator=(PollHandle&& other) noexcept {
  if (this != &other) {
    close();
    loop_ = other.loop_;
    watch_ = std::move(other.watch_);
  }
  return *this;
}

void PollHandle::set_owner(void* owner, Callback callback) {
  watch_->owner = owner;
  watch_->callback = callback;
}

void PollHandle::close() {
  if (watch_ == nullptr) return;
  // The kernel forgets a descriptor's registration with its last close, and another process may
  // hold this one open, too.
  watch(0);
  watch_->fd.reset();
  loop_->retire(std::move(watch_));
}

UniqueFd PollHandle::release() {
  watch(0);
  UniqueFd fd = std::move(watch_->fd);
  loop_->retire(std::move(watch_));
  return fd;
}

}  // namespace openmmp
