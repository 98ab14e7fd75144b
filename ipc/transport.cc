#include "ipc/transport.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "ipc/runtime/secret.h"

namespace openmmp::ipc {

namespace {

constexpr size_t kernel_batch = 253;     // SCM_MAX_FD
constexpr size_t read_size = 64 * 1024;  // of a body in one call
constexpr int frames_a_turn = 64;        // then the loop has its turn

// Descriptors that came with a message; every one of them is owned before anything can fail.
void collect_descriptors(msghdr& message, Descriptors& into) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      into.emplace_back(fd);
    }
  }
}

// One sendmsg(2): `bytes` and the first `count` of `descriptors`.
ssize_t send_piece(int socket, std::string_view bytes, const Descriptors& descriptors,
                   size_t count) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(Transport::batch_size * sizeof(int))> control{};
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (count > 0) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(count * sizeof(int));
    for (size_t i = 0; i < count; ++i) {
      const int fd = descriptors[i].get();
      std::memcpy(CMSG_DATA(part) + i * sizeof fd, &fd, sizeof fd);
    }
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

Result<std::pair<UniqueFd, UniqueFd>> socket_pair() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) != 0) {
    return fail(Errc::limit, fmt::format("socketpair: {}", std::strerror(errno)));
  }
  return std::pair(UniqueFd(fds[0]), UniqueFd(fds[1]));
}

Transport::Transport(Loop& loop, UniqueFd socket)
    : socket_(loop, std::move(socket)), readable_(loop) {
  socket_.set_owner(
      this, [](void* self, int events) { static_cast<Transport*>(self)->on_event(events); });
}

Transport::~Transport() {
  for (Frame& frame : queue_) wipe(frame.body);
}

Result<> Transport::send(std::string_view body, Descriptors descriptors) {
  if (failure_) return fail(*failure_);
  if (descriptors.size() > max_descriptors) return fail(Errc::limit, "too many descriptors");
  if (queue_.size() >= max_queued_frames || queued_bytes_ + body.size() > max_queued_bytes) {
    return fail(Errc::limit, "the peer does not read its messages");
  }
  auto frame = encode_frame(body);
  if (!frame) return fail(std::move(frame.error()));
  queued_bytes_ += frame->size();
  queue_.emplace_back(std::move(*frame), std::move(descriptors));
  write_queue();
  if (failure_) return fail(*failure_);
  watch();
  return {};
}

void Transport::write_queue() {
  while (!queue_.empty()) {
    Frame& frame = queue_.front();
    const size_t count = std::min(frame.descriptors.size(), batch_size);
    std::string_view bytes = std::string_view(frame.body).substr(written_);
    // While more batches follow, each takes one byte along and leaves the others theirs.
    if (frame.descriptors.size() > count) bytes = bytes.substr(0, 1);
    const ssize_t sent = send_piece(socket_.fd(), bytes, frame.descriptors, count);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      return close_with(Error(Errc::closed, fmt::format("send: {}", std::strerror(errno))));
    }
    // The kernel has its own references from the first byte on: ours are closed here.
    frame.descriptors.erase(frame.descriptors.begin(),
                            frame.descriptors.begin() + static_cast<std::ptrdiff_t>(count));
    written_ += static_cast<size_t>(sent);
    if (written_ < frame.body.size()) continue;
    queued_bytes_ -= frame.body.size();
    wipe(frame.body);  // a Birth has passwords in it
    queue_.pop_front();
    written_ = 0;
  }
}

Task<Transport::Frame> Transport::receive() {
  for (;;) {
    // A peer that never stops talking must not keep the loop from everybody else.
    if (frames_without_wait_ < frames_a_turn) {
      Result<bool> complete = read_frame();
      if (!complete) {
        close_with(complete.error());
        co_await fail(std::move(complete.error()));
      }
      if (*complete) {
        ++frames_without_wait_;
        std::string body = decoder_.take();
        co_return Frame(std::move(body), std::exchange(arrived_, {}));
      }
    }
    frames_without_wait_ = 0;
    socket_.watch(socket_.watched() | PollHandle::readable);
    co_await readable_.wait();
  }
}

Result<bool> Transport::read_frame() {
  if (failure_) return fail(*failure_);
  while (!decoder_.complete()) {
    Result<size_t> size = read_some(std::min(decoder_.wanted(), read_size));
    if (!size) return fail(std::move(size.error()));
    if (*size == 0) return false;
  }
  return true;
}

Result<size_t> Transport::read_some(size_t size) {
  std::array<char, read_size> bytes;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kernel_batch * sizeof(int))> control;
  iovec piece{bytes.data(), size};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got;
  do {
    got = ::recvmsg(socket_.fd(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return 0;
  if (got <= 0) return fail(Errc::closed, got == 0 ? "the peer is gone" : std::strerror(errno));
  collect_descriptors(message, arrived_);
  // A Birth with a listener missing must not pass for a whole one.
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    return fail(Errc::limit, "descriptors were lost: this process may not open as many");
  }
  if (arrived_.size() > max_descriptors) return fail(Errc::protocol, "too many descriptors");
  Result<> fed = decoder_.feed(std::string_view(bytes.data(), static_cast<size_t>(got)));
  // It may have been a Birth, which has passwords in it.
  explicit_bzero(bytes.data(), static_cast<size_t>(got));
  if (!fed) return fail(std::move(fed.error()));
  return static_cast<size_t>(got);
}

void Transport::on_event(int events) {
  if ((events & PollHandle::writable) != 0) write_queue();
  if (socket_) watch();
  if ((events & PollHandle::readable) == 0) return;
  // Nobody waits any more: the next receive() watches again.
  if (readable_.empty() && socket_) socket_.watch(socket_.watched() & ~PollHandle::readable);
  readable_.wake_all();
}

void Transport::watch() {
  const int reading = socket_.watched() & PollHandle::readable;
  socket_.watch(reading | (queue_.empty() ? 0 : PollHandle::writable));
}

void Transport::close_with(Error error) {
  if (!failure_) failure_ = std::move(error);
  socket_.watch(0);
  arrived_.clear();
  for (Frame& frame : queue_) wipe(frame.body);
  queue_.clear();
  queued_bytes_ = 0;
  readable_.wake_all();
}

}  // namespace openmmp::ipc
