// A connection's socket, with TLS on it or without: the one place that reads from it and writes to
// it. A Connection has one until the login, the Relay has two after it.
//
// It watches edges. After note() its owner reads until may_read() is false, or comes back later by
// itself; whoever stops before calls repeat_edges() on the socket.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/stream_socket.h"
#include "ipc/tls/stream.h"
#include "workers/proxy/edge_input.h"

namespace openmmp::proxy {

class Wire {
 public:
  Wire() = default;
  Wire(Loop& loop, UniqueFd fd) : socket_(loop, std::move(fd)) {}
  Wire(Wire&&) noexcept = default;
  Wire& operator=(Wire&&) noexcept = default;
  // A peer is told by TLS that this is the end, as far as there is room for it.
  ~Wire();

  void set_owner(void* owner, PollHandle::Callback callback) { socket_.set_owner(owner, callback); }
  int fd() const { return socket_.fd(); }

  // What the loop says has happened.
  void note(int events);
  // The next read() may give something. Not while many answers of TLS itself wait to be sent: a
  // peer that asks for them and does not take them would have them pile up. Other unsent text is no
  // reason: a store may want to be read before it goes on reading.
  bool may_read() const;
  void repeat_edges() { socket_.repeat_edges(); }

  // As recv(2): 0 at the end, -1 with errno. A TLS peer that leaves without a word has ended, too.
  ssize_t read(char* to, size_t room);
  // Takes everything, to be sent by the end of the turn, or nothing: -1 with EAGAIN while
  // has_unsent(), or with what is wrong, be it only known since an earlier write.
  ssize_t write(const char* text, size_t size);
  // The peer takes no more of what was written; flush() when the socket is writable.
  bool has_unsent() const { return socket_.has_unsent(); }
  // Bytes that were written and wait, be it only for the end of the turn.
  size_t unsent() const { return socket_.unsent(); }
  // The owner hears of it as of a socket that becomes writable.
  void tell_when_sent() { socket_.tell_when_sent(); }
  void flush();
  // For those who splice(2): sends what waits for the end of the turn, and reads nothing ahead.
  void send_now() { socket_.flush(); }
  void allow_read_ahead(bool allowed) { socket_.allow_read_ahead(allowed); }
  // errno of a write that has failed since; 0: none.
  int write_error() const { return socket_.error(); }
  // Nothing more will be written; behind what is unsent.
  void end();
  // For a handshake that has failed: what still comes is bytes without a meaning.
  void abandon_tls();
  // Of the last failure, for a log: errno, or what TLS has to say.
  std::string reason(int error) const;

  // `first` has been read from the socket already. What is written from now on is encrypted; before
  // the handshake is done nothing may be.
  void start_tls(tls::Stream stream, std::string first);
  // With `speaks_next` a server's last words of the handshake, its tickets, wait for what it says
  // first and go out with that.
  Result<tls::Stream::Progress> handshake(bool speaks_next);
  // Null without TLS. The descriptor of such a wire may be read from and written to by splice(2).
  const tls::Stream* tls() const { return tls_ ? &tls_->stream : nullptr; }

 private:
  struct Tls {
    Tls(tls::Stream s, std::string f) : stream(std::move(s)), first(std::move(f)) {}
    tls::Stream stream;
    std::string first;   // comes before what is in the socket
    size_t answers = 0;  // of what is unsent, how much the peer has asked for, not we have written
    bool has_more = true;  // the next read of the stream may give something
    bool ended = false;    // nothing more will be written
  };
  static ssize_t receive(void* self, char* to, size_t room);
  ssize_t receive_plain(char* to, size_t room);
  tls::Transport transport() { return {this, receive}; }
  bool send_output();

  StreamSocket socket_;
  EdgeInput input_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace openmmp::proxy
