#include "ipc/runtime/stream_socket.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace openmmp {

namespace {
// From here on a copy for the end of the turn costs more than a system call.
constexpr size_t long_message = 16 * 1024;
}  // namespace

StreamSocket::StreamSocket(Loop& loop, UniqueFd fd) : PollHandle(loop, std::move(fd)) {
  loop.update(*watch_, EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLERR | EPOLLRDHUP | EPOLLET);
  watch_->reads_ahead = true;
}

StreamSocket& StreamSocket::operator=(StreamSocket&& other) noexcept {
  if (this != &other) close();
  PollHandle::operator=(std::move(other));
  return *this;
}

StreamSocket::Received StreamSocket::receive(char* to, size_t room) {
  if (watch_->ahead == nullptr) {
    const ssize_t got = ::recv(fd(), to, room, 0);
    return {got, got > 0 && static_cast<size_t>(got) == room};
  }
  detail::ReadAhead& ahead = *watch_->ahead;
  const int result = ahead.result;
  size_t count = 0;
  if (result > 0) {
    const auto size = static_cast<size_t>(result);
    count = std::min(room, size - ahead.used);
    std::memcpy(to, ahead.bytes + ahead.used, count);
    ahead.used += count;
    if (ahead.used < size) return {static_cast<ssize_t>(count), true};
  }
  const bool filled = ahead.is_old || result == static_cast<int>(detail::ReadAhead::capacity);
  loop_->turn_.give_back(std::move(watch_->ahead));
  if (result < 0) {
    errno = -result;
    return {-1, false};
  }
  return {static_cast<ssize_t>(count), filled};
}

bool StreamSocket::send(const char* bytes, size_t size) {
  if (size == 0) return true;
  const bool is_long = size >= long_message;
  if (is_long) flush();
  if (error() != 0) {
    errno = error();
    return false;
  }
  if (is_long && watch_->outgoing == nullptr) return send_at_once(bytes, size);
  loop_->turn_.outgoing_of(*watch_).append(bytes, size);
  if (!has_unsent() && unsent() >= long_message) flush();
  return true;
}

// Nothing may wait before it.
bool StreamSocket::send_at_once(const char* bytes, size_t size) {
  const ssize_t count = ::send(fd(), bytes, size, MSG_NOSIGNAL);
  if (count < 0 && errno != EAGAIN) return false;
  const size_t sent = count < 0 ? 0 : static_cast<size_t>(count);
  if (sent == size) return true;
  detail::Outgoing& outgoing = loop_->turn_.outgoing_of(*watch_);
  outgoing.append(bytes + sent, size - sent);
  outgoing.refused = true;
  outgoing.unlink();
  return true;
}

void StreamSocket::flush() {
  if (watch_->outgoing != nullptr) loop_->turn_.send_now(*watch_);
}

void StreamSocket::tell_when_sent() {
  if (watch_->outgoing != nullptr) watch_->outgoing->tells = true;
}

void StreamSocket::end() {
  if (unsent() > 0) {
    watch_->outgoing->ends = true;
  } else {
    ::shutdown(fd(), SHUT_WR);
  }
}

void StreamSocket::close() {
  if (watch_ == nullptr) return;
  loop_->turn_.close(*watch_);
  loop_->retire(std::move(watch_));
}

}  // namespace openmmp
