#include "workers/proxy/relay.h"

#include <fcntl.h>
#include <fmt/format.h>
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

bool has_input(const PollHandle& socket) {
  char byte;
  return ::recv(socket.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

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
  for (Direction* direction : {&to_backend_, &to_client_}) {
    Connection& source = direction == &to_backend_ ? client : backend;
    Connection::Remains remains = source.release();
    *direction->from = std::move(remains.socket);
    direction->read_size = small_read;
    direction->readable = remains.may_have_more;
    direction->source_hung_up = remains.may_have_more;
    hold(*direction, remains.unread.data(), remains.unread.size());
  }
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
  settle();
}

void Relay::ready(PollHandle& socket, int events) {
  last_traffic_ = loop_.now();
  Direction& outgoing = &socket == &client_ ? to_backend_ : to_client_;
  Direction& incoming = &socket == &client_ ? to_client_ : to_backend_;
  if (events & PollHandle::ended) outgoing.source_hung_up = outgoing.readable = true;
  if (events & PollHandle::readable) outgoing.readable = true;
  if (outgoing.readable) pump(outgoing);
  if ((events & PollHandle::writable) && incoming.blocked()) pump(incoming);
  if (broken_ || to_backend_.end_passed_on || to_client_.end_passed_on) settle();
  if (finished_ && waiting_) std::exchange(waiting_, {}).resume();
}

// Moves on what is held, then what there is to read, until either side has enough of it.
void Relay::pump(Direction& direction) {
  if (direction.held) flush(direction);
  int rounds = 0;
  while (direction.readable && !direction.blocked() && !broken_) {
    const Step step = splices(direction) ? splice_through(direction) : copy(direction);
    if (step == Step::later) break;
    if (++rounds == max_rounds) {
      direction.from->repeat_edges();
      break;
    }
  }
  if (direction.blocked()) return;
  release(direction);  // a direction that waits for its source needs nothing
  if (direction.source_ended && !broken_) pass_end_on(direction);
}

// True when the next bytes are to go through a pipe, which the direction then has.
bool Relay::splices(Direction& direction) {
  if (!direction.bulk) return false;
  if (direction.held && direction.held->pipe) return true;
  std::optional<Pipe> pipe = pool_.take_pipe();
  if (!pipe) return false;
  if (!direction.held) direction.held = std::make_unique<Held>();
  direction.held->pipe = std::move(pipe);
  return true;
}

// The outcome of a read that gave nothing.
Relay::Step Relay::nothing_read(Direction& direction, ssize_t got) {
  direction.readable = false;
  if (got == 0) direction.source_ended = true;
  if (got < 0 && errno != EAGAIN) failed(*direction.from);
  return Step::later;
}

Relay::Step Relay::copy(Direction& direction) {
  char* buffer = pool_.buffer();
  const ssize_t got = ::recv(direction.from->fd(), buffer, direction.read_size, 0);
  if (got <= 0) return nothing_read(direction, got);
  const auto count = static_cast<size_t>(got);
  const ssize_t taken = ::send(direction.to->fd(), buffer, count, MSG_NOSIGNAL);
  if (taken < 0 && errno != EAGAIN) {
    failed(*direction.to);
    return Step::later;
  }
  const size_t sent = taken < 0 ? 0 : static_cast<size_t>(taken);
  direction.total += sent;
  direction.at_line_end = buffer[count - 1] == '\n';
  if (sent < count) hold(direction, buffer + sent, count - sent);

  if (count < direction.read_size) {
    if (count < small_read) {
      direction.read_size = small_read;
      direction.bulk = false;
    }
    // A short read has emptied the socket, unless its end is still to be read.
    direction.readable = direction.source_hung_up;
  } else if (direction.read_size < RelayPool::buffer_size) {
    direction.read_size = RelayPool::buffer_size;
  } else {
    direction.bulk = true;
  }
  return Step::more;
}

Relay::Step Relay::splice_through(Direction& direction) {
  Held& held = *direction.held;
  const ssize_t got = ::splice(direction.from->fd(), nullptr, held.pipe->write_end.get(), nullptr,
                               pipe_size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (got <= 0) return nothing_read(direction, got);
  held.in_pipe = static_cast<size_t>(got);
  direction.at_line_end = false;  // we did not see the bytes
  if (held.in_pipe < small_read) direction.bulk = false;
  flush_pipe(direction);
  return Step::more;
}

void Relay::hold(Direction& direction, const char* bytes, size_t count) {
  if (count == 0) return;
  if (!direction.held) direction.held = std::make_unique<Held>();
  direction.held->bytes.assign(bytes, count);  // what was there has been taken
  direction.held->start = 0;
}

void Relay::flush(Direction& direction) {
  Held& held = *direction.held;
  if (held.in_pipe > 0) return flush_pipe(direction);
  if (!held.blocked()) return;
  const ssize_t taken = ::send(direction.to->fd(), held.bytes.data() + held.start,
                               held.bytes.size() - held.start, MSG_NOSIGNAL);
  if (taken < 0) {
    if (errno != EAGAIN) failed(*direction.to);
    return;
  }
  direction.total += static_cast<uint64_t>(taken);
  held.start += static_cast<size_t>(taken);
}

void Relay::flush_pipe(Direction& direction) {
  Held& held = *direction.held;
  const ssize_t taken = ::splice(held.pipe->read_end.get(), nullptr, direction.to->fd(), nullptr,
                                 held.in_pipe, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (taken < 0) {
    if (errno != EAGAIN) failed(*direction.to);
    return;
  }
  direction.total += static_cast<uint64_t>(taken);
  held.in_pipe -= static_cast<size_t>(taken);
}

// Gives back what the direction held. Bytes still in it are lost: the session is over.
void Relay::release(Direction& direction) {
  if (!direction.held) return;
  Held& held = *direction.held;
  if (held.pipe && held.in_pipe == 0) {
    pool_.give_back(std::move(*held.pipe));
  } else if (held.pipe) {
    pool_.pipe_closed();
  }
  direction.held.reset();
}

void Relay::failed(const PollHandle& socket) {
  end_.reason =
      fmt::format("{}: {}", &socket == &client_ ? "client" : "server", std::strerror(errno));
  broken_ = true;
}

void Relay::pass_end_on(Direction& direction) {
  if (direction.end_passed_on) return;
  direction.end_passed_on = true;
  if (end_.reason.empty()) {
    end_.reason = direction.from == &client_ ? "client closed" : "server closed";
  }
  const bool store_closed = direction.from == &backend_;
  // A store that has closed ends the session. Closing a socket with input unread would reset it and
  // could cost the client the store's last words, so a client that still talks is first told the
  // end and given time to close.
  if (store_closed && !has_input(client_)) to_backend_.end_passed_on = true;
  if (to_backend_.end_passed_on && to_client_.end_passed_on) return;  // settle() closes both
  ::shutdown(direction.to->fd(), SHUT_WR);
  if (store_closed && idle_limit_ > linger) {
    idle_limit_ = linger;
    wait_for_silence(linger);
  }
}

// Is the session over?
void Relay::settle() {
  if (finished_ || !(broken_ || (to_backend_.end_passed_on && to_client_.end_passed_on))) return;
  finished_ = true;
  end_.from_client = to_backend_.total;
  end_.from_backend = to_client_.total;
  idle_.stop();
}

// Traffic does not touch the timer: when it runs out, check_idle() looks how long ago the last was.
void Relay::wait_for_silence(Millis time) {
  idle_.start(
      time, [](void* self) { static_cast<Relay*>(self)->check_idle(); }, this);
}

void Relay::check_idle() {
  const Millis silent = loop_.now() - last_traffic_;
  if (silent < idle_limit_) return wait_for_silence(idle_limit_ - silent);
  if (end_.reason.empty()) {
    end_.reason = fmt::format("no traffic for {} s", idle_limit_.count() / 1000);
  }
  broken_ = true;
  settle();
  if (waiting_) std::exchange(waiting_, {}).resume();
}

void Relay::interrupt(const char* reason) {
  if (finished_) return;
  if (!to_client_.blocked() && to_client_.at_line_end && !to_client_.end_passed_on) {
    // One attempt: a client that does not read has no use for it.
    [[maybe_unused]] const ssize_t said =
        ::send(client_.fd(), farewell_, std::strlen(farewell_), MSG_NOSIGNAL);
  }
  end_.reason = reason;
  broken_ = true;
  settle();
  if (waiting_) std::exchange(waiting_, {}).resume();
}

}  // namespace openmmp::proxy
