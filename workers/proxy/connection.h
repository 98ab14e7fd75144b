// One end of a session before the relay: lines and literals in, text out, and a deadline that says
// in words what is being waited for. One coroutine at a time waits on a Connection.
//
// It reads as soon as something comes, up to a limit, whether or not anybody waits: so the socket
// is registered with the loop once and never changed. Back-pressure comes from the limit: past it
// the socket is not read until a line has been taken.
#pragma once

#include <memory>
#include <string>

#include "ipc/runtime/address.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "ipc/tls/stream.h"
#include "workers/proxy/line_buffer.h"
#include "workers/proxy/wire.h"

namespace openmmp::proxy {

class Connection {
 public:
  // A socket that is still connecting is welcome: await connected() before anything else.
  Connection(Loop& loop, UniqueFd fd);
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  ~Connection();

  // Every wait from now on fails with Errc::timeout and the text "no WHAT within N s" once `time`
  // is over. Each call replaces the last. `what` is a literal: "greeting from the store".
  void deadline(Millis time, const char* what);
  // Until the next deadline no time counts: somebody else is waited for.
  void rest();
  // The wait under way, and every later one, fails with this error. The session may still write
  // its farewell: see allow_farewell().
  void interrupt(Error error);
  // Forgets the interruption or timeout, so that a last line can be written within `time`.
  void allow_farewell(Millis time);

  // Errc::unavailable with the kernel's reason when the connection could not be made.
  Task<> connected();
  // Without its line end. Errc::limit: longer than `limit`. Errc::closed: the peer closed.
  Task<std::string> read_line(size_t limit);
  Task<std::string> read_bytes(size_t count);
  // Returns when the kernel has taken all of it, or, as with short texts, will be asked to by the
  // end of the turn. `text` is wiped afterwards.
  Task<> write(std::string text);
  // Returns when it has taken all of what was written: for last words.
  Task<> sent();
  // What has come and is not used yet, for those who read no lines; more of it, or something else
  // that may be worth a look; and it is used.
  std::string_view buffered() const { return buffer().view(); }
  Task<> more_input();
  void consume(size_t count);

  // STARTTLS and its kin: says `go_ahead`, and the rest is TLS. Errc::protocol when the peer has
  // said more already: it came in clear from who knows whom, and is neither dropped nor believed.
  Task<> upgrade(tls::Stream stream, std::string go_ahead);
  // TLS from here on, what has come already included. `speaks_next`: the first word after the
  // handshake is ours.
  Task<> begin_tls(tls::Stream stream, bool speaks_next);
  // Null before either of these.
  const tls::Stream* tls() const;
  // The outcome of `task`, unless this connection is interrupted, timed out or reset before: then
  // the task is destroyed where it is. A peer that has only finished sending is still there.
  template <class T>
  Task<T> while_present(Task<T> task);
  // Lets a peer wait that may go on afterwards. One that has finished sending waits for nothing
  // that it needs: Errc::closed at once, like the errors of while_present().
  Task<> pause(Millis time);
  // Fails when the peer is not there any more, or the session was told to end.
  Result<> present() const;
  // Says that we are done, and waits for the peer to close, at most `time` and so many bytes. A
  // socket that is closed with input unread is reset, and the reset may overtake our last line.
  Task<> linger(Millis time);

  bool has_buffered_input() const { return !buffered().empty(); }
  // Something that was written cannot have arrived.
  bool has_lost_words() const;
  // Behind what is buffered nothing will come any more.
  bool has_ended() const;
  int fd() const;

  // Ends the Connection and gives away what the relay goes on with.
  struct Remains {
    Wire wire;
    std::string unread;
  };
  Remains release();

 private:
  struct Block;  // stays where it is when the Connection moves: the loop calls back into it
  // Waits for the next thing to happen to the connection, whatever it is.
  class Wait : private Waiter {
   public:
    explicit Wait(Block& block) : block_(block) {}
    ~Wait();
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> awaiting);
    void await_resume() const {}
    void resume() {
      unlink();
      handle.resume();
    }
    void resume_soon(Loop& loop) { loop.resume_soon(*this); }

   private:
    Block& block_;
  };

  // Lets whoever waits look again, soon.
  void nudge();
  Task<> handshake(bool speaks_next);
  const LineBuffer& buffer() const;

  std::unique_ptr<Block> block_;
};

template <class T>
Task<T> Connection::while_present(Task<T> task) {
  // `task` must not be destroyed while it is on the stack, as it is in its last callback.
  task.start([](void* self) { static_cast<Connection*>(self)->nudge(); }, this);
  while (!task.finished()) {
    const Result<> here = present();
    if (!here) {
      task.destroy();
      co_await fail(here.error());
    }
    Wait wait(*block_);
    co_await wait;
  }
  co_return co_await std::move(task.result());
}

}  // namespace openmmp::proxy
