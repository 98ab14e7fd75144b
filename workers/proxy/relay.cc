#include "workers/proxy/relay.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace openmmp::proxy {

namespace {

constexpr size_t small_read = 16 * 1024;
constexpr size_t pipe_size = 1024 * 1024;
// Each pipe can hold a megabyte of kernel memory for a peer that does not read.
constexpr size_t max_pipes = 64;
constexpr size_t max_idle_pipes = 8;
// Reads a busy direction gets before the loop looks at the other sockets again.
constexpr int max_rounds = 4;
// A peer that was told the end and does not close is not waited for longer than this.
constexpr Millis linger = Seconds(10);

// So much at most of what the store said last may still be on its way to a client whose connection
// is closed without waiting for it: an answer to LOGOUT or QUIT.
constexpr int last_words = 4096;
// A session that is silent for so long is probably not in the middle of something.
constexpr Millis quiet = Seconds(1);
// One that is never silent is told nothing, and ended all the same.
constexpr Millis longest_leave = Seconds(2);

}  // namespace

RelayPool::RelayPool() : buffer_(std::make_unique_for_overwrite<char[]>(buffer_size)) {}

std::optional<Pipe> RelayPool::take_pipe() {
  if (!idle_.empty()) {
    Pipe pipe = std::move(idle_.back());
    idle_.pop_back();
    ++pipes_out_;
    return pipe;
  }
  int ends[2];
  if (pipes_out_ >= max_pipes || ::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return std::nullopt;
  Pipe pipe;
  pipe.read_end = UniqueFd(ends[0]);
  pipe.write_end = UniqueFd(ends[1]);
  ::fcntl(ends[1], F_SETPIPE_SZ, pipe_size);  // refused past a per-user limit: it stays smaller
  ++pipes_out_;
  return pipe;
}

void RelayPool::give_back(Pipe pipe) {
  --pipes_out_;
  if (idle_.size() < max_idle_pipes) idle_.push_back(std::move(pipe));
}

Relay::Relay(Loop& loop, RelayPool& pool, Connection client, Connection backend, Millis idle_limit,
             const char* farewell)
    : loop_(loop),
      pool_(pool),
      idle_(loop),
      idle_limit_(idle_limit),
      last_traffic_(loop.now()),
      farewell_(farewell) {
  to_backend_.from = to_client_.to = &client_;
  to_backend_.to = to_client_.from = &backend_;
  Connection::Remains of_client = client.release();
  Connection::Remains of_backend = backend.release();
  client_ = std::move(of_client.wire);
  backend_ = std::move(of_backend.wire);
  to_backend_.read_size = to_client_.read_size = small_read;
  pass(to_backend_, of_client.unread.data(), of_client.unread.size());
  pass(to_client_, of_backend.unread.data(), of_backend.unread.size());
  client_.set_owner(this, [](void* self, int events) {
    auto* relay = static_cast<Relay*>(self);
    relay->ready(relay->client_, events);
  });
  backend_.set_owner(this, [](void* self, int events) {
    auto* relay = static_cast<Relay*>(self);
    relay->ready(relay->backend_, events);
  });
}

Relay::~Relay() {
  release(to_backend_);
  release(to_client_);
}

void Relay::start() {
  wait_for_silence(idle_limit_);
  pump(to_backend_);
  pump(to_client_);
}

void Relay::ready(Wire& wire, int events) {
  last_traffic_ = loop_.now();
  Direction& outgoing = &wire == &client_ ? to_backend_ : to_client_;
  Direction& incoming = &wire == &client_ ? to_client_ : to_backend_;
  const bool was_blocked = incoming.blocked();
  wire.note(events);
  // A lost store may have left something for the client to read; a lost client is the end.
  if ((events & PollHandle::failed) && &wire == &client_) {
    note_reason("client connection lost");
    finish();
  } else if (wire.write_error() != 0 && !incoming.discards) {
    target_failed(incoming, wire.write_error());
  }
  const bool has_room = (events & PollHandle::writable) != 0;
  if (has_room && (was_blocked || incoming.source_ended)) pump(incoming);
  if (wire.may_read()) pump(outgoing);
  resume_if_finished();
}

// Moves on what is held, then what there is to read, until either side has enough of it.
void Relay::pump(Direction& direction) {
  if (direction.blocked() && !finished_) flush(direction);
  int rounds = 0;
  while (direction.from->may_read() && !direction.blocked() && !finished_) {
    const Step step = splices(direction) ? splice_through(direction) : copy(direction);
    if (step == Step::later) break;
    if (++rounds == max_rounds) {
      direction.from->repeat_edges();
      break;
    }
  }
  if (!direction.blocked() && !finished_) pumped_dry(direction);
}

// The source has given all it had for now, or for ever.
void Relay::pumped_dry(Direction& direction) {
  release(direction);  // a direction that waits for its source needs nothing
  if (!direction.source_ended) return;
  if (direction.discards || direction.to->unsent() == 0) return end_reached(direction);
  direction.to->tell_when_sent();
}

// The outcome of a read that gave nothing.
Relay::Step Relay::nothing_read(Direction& direction, ssize_t got) {
  if (got < 0 && errno == EAGAIN) return Step::later;
  const char* side = direction.from == &client_ ? "client" : "server";
  note_reason(got == 0 ? fmt::format("{} closed", side)
                       : fmt::format("{}: {}", side, direction.from->reason(errno)));
  direction.source_ended = true;
  // Of a client that is lost nobody is left to hear what the store says.
  if (got < 0 && direction.from == &client_) finish();
  return Step::later;
}

Relay::Step Relay::copy(Direction& direction) {
  char* buffer = pool_.buffer();
  const ssize_t got = direction.from->read(buffer, direction.read_size);
  if (got <= 0) return nothing_read(direction, got);
  const auto count = static_cast<size_t>(got);
  adapt(direction, count);
  if (!direction.discards) pass(direction, buffer, count);
  return Step::more;
}

void Relay::pass(Direction& direction, const char* bytes, size_t count) {
  if (count == 0) return;
  direction.at_line_end = bytes[count - 1] == '\n';
  const ssize_t taken = direction.to->write(bytes, count);
  if (taken < 0) return target_failed(direction, errno);
  CHECK(static_cast<size_t>(taken) == count);  // it takes as much as our buffer holds
  direction.total += count;
}

// How to read next, after a read of `count` bytes.
void Relay::adapt(Direction& direction, size_t count) {
  if (count < small_read) {
    direction.read_size = small_read;
    direction.bulk = false;
  } else if (count == RelayPool::buffer_size) {
    direction.bulk = true;
  } else if (count == direction.read_size) {
    direction.read_size = RelayPool::buffer_size;
  }
  // What is read ahead is little, and would be taken for the end of a flood.
  direction.from->allow_read_ahead(direction.read_size == small_read);
}

// True when the next bytes are to go through a pipe, which the direction then has.
bool Relay::splices(Direction& direction) {
  if (!direction.bulk || direction.discards) return false;
  if (direction.from->tls() != nullptr || direction.to->tls() != nullptr) return false;
  if (direction.held) return true;
  std::optional<Pipe> pipe = pool_.take_pipe();
  if (!pipe) return false;
  direction.held = std::make_unique<Held>(std::move(*pipe));
  return true;
}

Relay::Step Relay::splice_through(Direction& direction) {
  Held& held = *direction.held;
  direction.to->send_now();  // what was copied goes before
  if (direction.to->has_unsent()) return Step::later;
  const ssize_t got = ::splice(direction.from->fd(), nullptr, held.pipe.write_end.get(), nullptr,
                               pipe_size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  // splice() does not get past urgent data: whether there is more, and why not, recv() must say.
  if (got <= 0) return copy(direction);
  held.in_pipe = static_cast<size_t>(got);
  direction.at_line_end = false;  // we did not see the bytes
  if (held.in_pipe < small_read) direction.bulk = false;
  flush_pipe(direction);
  return Step::more;
}

void Relay::flush(Direction& direction) {
  direction.to->flush();
  if (direction.held && direction.held->in_pipe > 0) flush_pipe(direction);
}

void Relay::flush_pipe(Direction& direction) {
  Held& held = *direction.held;
  const ssize_t taken = ::splice(held.pipe.read_end.get(), nullptr, direction.to->fd(), nullptr,
                                 held.in_pipe, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (taken < 0) {
    if (errno != EAGAIN) target_failed(direction, errno);
    return;
  }
  direction.total += static_cast<uint64_t>(taken);
  held.in_pipe -= static_cast<size_t>(taken);
}

// Gives back what the direction held. Bytes still in it are lost: nobody is there to take them.
void Relay::release(Direction& direction) {
  if (!direction.held) return;
  if (direction.held->in_pipe == 0) {
    pool_.give_back(std::move(direction.held->pipe));
  } else {
    pool_.pipe_closed();
  }
  direction.held.reset();
}

// `direction.to` takes nothing any more.
void Relay::target_failed(Direction& direction, int error) {
  const bool client_lost = direction.to == &client_;
  note_reason(
      fmt::format("{}: {}", client_lost ? "client" : "server", direction.to->reason(error)));
  release(direction);
  if (client_lost) return finish();
  // What a lost store had said before is still to be delivered; what the client says is not.
  direction.discards = true;
}

void Relay::end_reached(Direction& direction) {
  if (direction.end_passed_on) return;
  direction.end_passed_on = true;
  if (direction.from == &client_) {
    client_ended();
  } else {
    backend_ended();
  }
}

// A half-close: the store may have more to say. When the store has ended before, this is the end.
void Relay::client_ended() {
  if (to_client_.end_passed_on) return finish();
  if (!to_backend_.discards) backend_.end();
}

// True when closing the client's socket at once could cost it more than a last line: with input
// unread, or output on its way, what the client sends next is answered with a reset.
bool Relay::close_would_hurt() const {
  if (client_.may_read() || to_backend_.blocked()) return true;
  if (to_client_.total <= last_words) return false;
  int unsent = 0;
  return ::ioctl(client_.fd(), SIOCOUTQ, &unsent) == 0 && unsent > last_words;
}

// The session is over as soon as the client has heard all of it.
void Relay::backend_ended() {
  if (to_backend_.end_passed_on || !close_would_hurt()) return finish();
  client_.end();
  to_backend_.discards = true;
  release(to_backend_);
  client_.note(PollHandle::readable);
  idle_.start(
      linger,
      [](void* self) {
        auto* relay = static_cast<Relay*>(self);
        relay->finish();
        relay->resume_if_finished();
      },
      this);
  pump(to_backend_);
}

// The first reason is the one that the log has.
void Relay::note_reason(std::string reason) {
  if (end_.reason.empty()) end_.reason = std::move(reason);
}

void Relay::finish() {
  if (finished_) return;
  finished_ = true;
  end_.from_client = to_backend_.total;
  end_.from_backend = to_client_.total;
  idle_.stop();
}

// Last statement of every callback: the coroutine that waits destroys this object.
void Relay::resume_if_finished() {
  if (finished_ && waiting_) std::exchange(waiting_, {}).resume();
}

// Traffic does not touch the timer: when it runs out, check_idle() looks how long ago the last was.
void Relay::wait_for_silence(Millis time) {
  idle_.start(
      time, [](void* self) { static_cast<Relay*>(self)->check_idle(); }, this);
}

void Relay::check_idle() {
  const Millis silent = loop_.now() - last_traffic_;
  if (silent < idle_limit_) return wait_for_silence(idle_limit_ - silent);
  note_reason(fmt::format("no traffic for {} s", idle_limit_.count() / 1000));
  finish();
  resume_if_finished();
}

void Relay::interrupt(const char* reason) {
  if (finished_) return;
  note_reason(reason);
  leave_by_ = loop_.now() + longest_leave;
  leave_when_quiet();
}

// A line end within a message looks like any other, and a farewell there would be taken for a part
// of the message: hence the silence, and the connection ends right behind the farewell.
void Relay::leave_when_quiet() {
  const Millis silent = loop_.now() - last_traffic_;
  const bool is_quiet = silent >= quiet;
  if (!is_quiet && loop_.now() < leave_by_) {
    idle_.start(
        quiet - silent, [](void* self) { static_cast<Relay*>(self)->leave_when_quiet(); }, this);
    return;
  }
  if (is_quiet && !to_client_.blocked() && to_client_.at_line_end && !to_client_.end_passed_on) {
    // One attempt: a client that does not read has no use for it.
    [[maybe_unused]] const ssize_t said = client_.write(farewell_, std::strlen(farewell_));
  }
  finish();
  resume_if_finished();
}

}  // namespace openmmp::proxy
