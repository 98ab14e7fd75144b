// What the loop knows of a descriptor that it watches: who is called back, and of a stream socket
// what was read before its owner asked and what is still to be sent. Nobody but the files of the
// loop and its handles includes this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "ipc/runtime/linked_list.h"
#include "ipc/runtime/unique_fd.h"

namespace openmmp::detail {

// The outcome of a recv(2) that was made together with those of other sockets.
struct ReadAhead {
  static constexpr size_t capacity = 8 * 1024;

  int result = 0;   // as SocketCall::result
  size_t used = 0;  // by the owner so far
  // There has been an edge since: the socket may hold more, however little this is.
  bool is_old = false;
  char bytes[capacity];
};

struct Watch;

// What a socket has to send. In the list of the turn until the kernel was asked; then it is gone,
// or stays for the moment in which the socket is writable again.
struct Outgoing : ListNode {
  // Wipes what a longer block replaces: there may be a password in it.
  void append(const char* more, size_t size);
  size_t unsent() const { return bytes.size() - sent; }
  void wipe_all();

  Watch* watch = nullptr;
  std::string bytes;
  size_t sent = 0;       // of them
  int error = 0;         // the socket takes nothing more
  bool refused = false;  // the kernel had no room for all of it
  bool ends = false;     // nothing comes behind it: shutdown(2)
  bool tells = false;    // the owner is called back when it is gone
};

// It may go away while events for it are still in a turn's batch, so the loop keeps it until the
// turn is over.
struct Watch : ListNode {  // in a list while it is not registered, though something is watched for
  UniqueFd fd;
  void* owner = nullptr;
  void (*callback)(void* owner, int events) = nullptr;
  uint32_t events = 0;       // as epoll(7) has them
  bool reads_ahead = false;  // its owner wants what comes, sooner or later
  std::unique_ptr<ReadAhead> ahead;
  std::unique_ptr<Outgoing> outgoing;
};

}  // namespace openmmp::detail
