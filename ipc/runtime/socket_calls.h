// Several non-blocking calls on sockets, made in one entry into the kernel where io_uring(7) is
// there and one by one where not: the outcome is the same. A system call costs a busy proxy more
// than what it does in there, and most of those of one turn of the loop do not depend on another.
//
// Nothing is under way between two make(): the ring is a way to say many things at once, and no
// buffer has to outlive the call.
#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace openmmp {

struct SocketCall {
  enum class Kind : uint8_t { receive, send, close, watch };
  Kind kind;
  int fd;
  char* bytes = nullptr;   // of receive and send,
  size_t size = 0;         // as much at most
  int epoll = -1;          // of watch: `fd` is added there
  epoll_event event = {};  // for this
  int result = 0;          // as the call gives it, or -errno
};

class SocketCalls {
 public:
  SocketCalls();
  ~SocketCalls();
  SocketCalls(const SocketCalls&) = delete;
  SocketCalls& operator=(const SocketCalls&) = delete;

  // From now on together, if the kernel lets us: io_uring may be missing (before Linux 6.1), turned
  // off (kernel.io_uring_disabled) or forbidden. The ring takes no other calls than these four. Not
  // after fork().
  bool join();
  bool together() const { return ring_ != nullptr; }
  // Returns when all have been made, in their order.
  void make(std::span<SocketCall> calls);

 private:
  struct Ring;
  std::unique_ptr<Ring> ring_;
};

}  // namespace openmmp
