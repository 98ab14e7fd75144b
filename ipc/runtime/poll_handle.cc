#include "ipc/runtime/poll_handle.h"

#include <uv.h>

namespace openmmp {

struct PollHandle::Block {
  uv_poll_t poll;
  UniqueFd fd;
  void* owner = nullptr;
  Callback callback = nullptr;
  int watched = 0;
};

namespace {
static_assert(PollHandle::readable == UV_READABLE && PollHandle::writable == UV_WRITABLE);
}

PollHandle::PollHandle(Loop& loop, UniqueFd fd) : block_(new Block) {
  block_->fd = std::move(fd);
  CHECK(uv_poll_init(loop.uv(), &block_->poll, block_->fd.get()) == 0);
  block_->poll.data = block_;
}

PollHandle& PollHandle::operator=(PollHandle&& other) noexcept {
  if (this != &other) {
    close();
    block_ = std::exchange(other.block_, nullptr);
  }
  return *this;
}

int PollHandle::fd() const { return block_->fd.get(); }
int PollHandle::watched() const { return block_->watched; }

void PollHandle::set_owner(void* owner, Callback callback) {
  block_->owner = owner;
  block_->callback = callback;
}

void PollHandle::watch(int events) {
  if (events == block_->watched) return;
  block_->watched = events;
  if (events == 0) {
    uv_poll_stop(&block_->poll);
    return;
  }
  uv_poll_start(&block_->poll, events, [](uv_poll_t* poll, int status, int ready) {
    auto* block = static_cast<Block*>(poll->data);
    block->callback(block->owner, status < 0 ? block->watched : ready);
  });
}

void PollHandle::close() {
  if (block_ == nullptr) return;
  UniqueFd fd = release();
}

UniqueFd PollHandle::release() {
  Block* block = std::exchange(block_, nullptr);
  UniqueFd fd = std::move(block->fd);
  uv_close(reinterpret_cast<uv_handle_t*>(&block->poll),
           [](uv_handle_t* handle) { delete static_cast<Block*>(handle->data); });
  return fd;
}

}  // namespace openmmp
