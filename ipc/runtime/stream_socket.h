// A connected TCP socket on the loop that is read from and written to with the others of a turn
// (SocketTurn): what it has to send goes out when the turn ends, and what it has got may have been
// read when its owner is called back. Short and frequent messages are what it is for; a long one
// goes to the kernel at once.
//
// Edge triggered, with all events, and never changed: it calls back when the socket becomes
// readable or writable. The owner then reads until there is no more, or remembers that there is. No
// other process may have the descriptor: closing it is all that ends the registration.
#pragma once

#include <sys/types.h>

#include "ipc/runtime/poll_handle.h"

namespace openmmp {

class StreamSocket : private PollHandle {
 public:
  StreamSocket() = default;
  StreamSocket(Loop& loop, UniqueFd fd);
  StreamSocket(StreamSocket&&) noexcept = default;
  StreamSocket& operator=(StreamSocket&& other) noexcept;
  // What has been sent before still goes out.
  ~StreamSocket() { close(); }

  using PollHandle::fd;
  using PollHandle::set_owner;
  using PollHandle::operator bool;

  // Calls back again for what is true now, as if it had just become true.
  void repeat_edges() { loop_->repeat(*watch_); }

  // As recv(2). `filled`: there may be more, as far as this read can tell.
  struct Received {
    ssize_t count;
    bool filled;
  };
  Received receive(char* to, size_t room);
  // Whether the loop may read before its owner does: not for one that splices(2) what comes.
  void allow_read_ahead(bool allowed) { watch_->reads_ahead = allowed; }

  // Takes all of it; false: the socket is lost, errno says why. Who goes on while has_unsent()
  // fills memory.
  bool send(const char* bytes, size_t size);
  // The peer takes no more for now; flush() when the socket is writable.
  bool has_unsent() const { return watch_->outgoing != nullptr && watch_->outgoing->refused; }
  // Bytes that wait, be it only for the end of the turn.
  size_t unsent() const { return watch_->outgoing == nullptr ? 0 : watch_->outgoing->unsent(); }
  // Sends what waits, without waiting for the end of the turn.
  void flush();
  // The owner is called back, as if the socket had become writable, when nothing waits any more;
  // not if that is by its own send() or flush().
  void tell_when_sent();
  // Nothing more will be sent: the peer sees the end behind what waits.
  void end();
  // errno of a send that has failed, 0: none.
  int error() const { return watch_->outgoing == nullptr ? 0 : watch_->outgoing->error; }

 private:
  bool send_at_once(const char* bytes, size_t size);
  void close();  // hides PollHandle's, which then finds nothing left to do
};

}  // namespace openmmp
