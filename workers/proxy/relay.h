// After login a session is two wires and nothing else. The relay moves bytes both ways until one
// side is done, waits for a side that does not take them (and does not read its source meanwhile),
// passes a half-close on, and ends a session that has been silent for too long.
//
// Short exchanges are copied through one buffer that the whole loop shares; a direction that fills
// that buffer goes over to splice(2) through a pooled pipe, if neither side has TLS, and comes back
// when a burst is small again. What is passed on is sent by the end of the turn;
// memory for longer is held only for what the other side did not take then.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/unique_fd.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/wire.h"

namespace openmmp::proxy {

// A kernel pipe that splice(2) moves bytes through.
struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

// What all relays of a worker share. Outlives them.
class RelayPool {
 public:
  static constexpr size_t buffer_size = 256 * 1024;

  RelayPool();
  char* buffer() { return buffer_.get(); }
  // An empty pipe, or nothing when as many are out as may be: then the direction goes on copying.
  std::optional<Pipe> take_pipe();
  // `pipe` must be empty.
  void give_back(Pipe pipe);
  // A pipe with bytes left in it was closed instead.
  void pipe_closed() { --pipes_out_; }

 private:
  std::unique_ptr<char[]> buffer_;
  std::vector<Pipe> idle_;
  size_t pipes_out_ = 0;
};

// How a relay ended. The counts are of bytes that were passed on.
struct RelayEnd {
  uint64_t from_client = 0;
  uint64_t from_backend = 0;
  std::string reason;  // "client closed", "no traffic for 1800 s"
};

class Relay {
 public:
  // `farewell` is what interrupt() may say to the client: a literal, empty for protocols in which a
  // server speaks only when it is asked.
  Relay(Loop& loop, RelayPool& pool, Connection client, Connection backend, Millis idle_limit,
        const char* farewell);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();

  // RelayEnd end = co_await relay;
  bool await_ready() {
    start();
    return finished_;
  }
  void await_suspend(std::coroutine_handle<> handle) { waiting_ = handle; }
  RelayEnd await_resume() { return std::move(end_); }

  // Ends the session as soon as nothing has passed for a moment, or after two seconds in which
  // something always has; with the farewell, if there was such a moment and what the client heard
  // last ends a line. `reason` is a literal.
  void interrupt(const char* reason);

 private:
  // What a direction needs only while it splices.
  struct Held {
    explicit Held(Pipe p) : pipe(std::move(p)) {}
    Pipe pipe;
    size_t in_pipe = 0;
  };
  // One way of the two. `from` and `to` are the Relay's own.
  struct Direction {
    Wire* from = nullptr;
    Wire* to = nullptr;
    std::unique_ptr<Held> held;
    uint64_t total = 0;
    uint32_t read_size = 0;      // how much to ask for at once; grows with what comes
    bool bulk = false;           // the last burst was a flood: begin the next one with splice(2)
    bool discards = false;       // nobody wants what comes: read it and forget it
    bool source_ended = false;   // its end has been read, and
    bool end_passed_on = false;  // told to the other side
    bool at_line_end = true;     // what `to` has got ends with a LF, as far as we have looked
    bool blocked() const { return !discards && ((held && held->in_pipe > 0) || to->has_unsent()); }
  };
  enum class Step { more, later };

  void start();
  void ready(Wire& wire, int events);
  void pump(Direction& direction);
  void pumped_dry(Direction& direction);
  Step copy(Direction& direction);
  bool splices(Direction& direction);
  Step splice_through(Direction& direction);
  Step nothing_read(Direction& direction, ssize_t got);
  void adapt(Direction& direction, size_t count);
  void pass(Direction& direction, const char* bytes, size_t count);
  void flush(Direction& direction);
  void flush_pipe(Direction& direction);
  void release(Direction& direction);
  void target_failed(Direction& direction, int error);
  void end_reached(Direction& direction);
  void client_ended();
  void backend_ended();
  bool close_would_hurt() const;
  void note_reason(std::string reason);
  void finish();
  void resume_if_finished();
  void wait_for_silence(Millis time);
  void check_idle();
  void leave_when_quiet();

  Loop& loop_;
  RelayPool& pool_;
  Wire client_;
  Wire backend_;
  Direction to_backend_;
  Direction to_client_;
  Timer idle_;
  Millis idle_limit_;
  Millis last_traffic_;
  Millis leave_by_{0};  // once interrupted
  const char* farewell_;
  std::coroutine_handle<> waiting_;
  RelayEnd end_;
  bool finished_ = false;
};

}  // namespace openmmp::proxy
