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
  Connection::Remains from_client = client.release();
  Connection::Remains from_backend = backend.release();
  client_ = std::move(from_client.socket);
  backend_ = std::move(from_backend.socket);
  to_backend_.from = to_client_.to = &client_;
  to_backend_.to = to_client_.from = &backend_;
  to_backend_.waiting = std::move(from_client.unread);
  to_client_.waiting = std::move(from_backend.unread);
  to_backend_.read_size = to_client_.read_size = small_read;
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
  stop_splicing(to_backend_);
  stop_splicing(to_client_);
}

void Relay::start() {
  wait_for_silence(idle_limit_);
  if (to_backend_.blocked()) pump(to_backend_);
  if (to_client_.blocked()) pump(to_client_);
  settle();
}

void Relay::ready(PollHandle& socket, int events) {
  last_traffic_ = loop_.now();
  Direction& outgoing = &socket == &client_ ? to_backend_ : to_client_;
  Direction& incoming = &socket == &client_ ? to_client_ : to_backend_;
  if ((events & PollHandle::writable) && incoming.blocked()) pump(incoming);
  if ((events & PollHandle::readable) && !outgoing.blocked()) pump(outgoing);
  settle();
  if (finished_ && waiting_) std::exchange(waiting_, {}).resume();
}

void Relay::pump(Direction& direction) {
  if (!direction.waiting.empty()) flush_waiting(direction);
  if (direction.in_pipe > 0) flush_pipe(direction);
  for (int round = 0; round < max_rounds; ++round) {
    if (broken_ || direction.blocked() || direction.source_ended) break;
    const Step step = direction.pipe ? splice_through(direction) : copy(direction);
    if (step == Step::later) break;
  }
  if (direction.source_ended && !direction.blocked() && !broken_) pass_end_on(direction);
}

Relay::Step Relay::copy(Direction& direction) {
  const ssize_t got = ::recv(direction.from->fd(), pool_.buffer(), direction.read_size, 0);
  if (got <= 0) {
    if (got == 0) direction.source_ended = true;
    if (got < 0 && errno != EAGAIN && errno != EINTR) source_failed(direction);
    return Step::later;
  }
  const auto count = static_cast<size_t>(got);
  const ssize_t taken = ::send(direction.to->fd(), pool_.buffer(), count, MSG_NOSIGNAL);
  if (taken < 0 && errno != EAGAIN && errno != EINTR) {
    target_failed(direction);
    return Step::later;
  }
  const size_t sent = taken < 0 ? 0 : static_cast<size_t>(taken);
  direction.total += sent;
  direction.at_line_end = pool_.buffer()[count - 1] == '\n';
  direction.waiting.assign(pool_.buffer() + sent, count - sent);

  const bool full = count == direction.read_size;
  if (!full) {
    direction.read_size = count < small_read ? small_read : direction.read_size;
    return Step::later;
  }
  if (direction.read_size < RelayPool::buffer_size) {
    direction.read_size = RelayPool::buffer_size;
  } else {
    direction.pipe = pool_.take_pipe();
  }
  return Step::more;
}

Relay::Step Relay::splice_through(Direction& direction) {
  const ssize_t got = ::splice(direction.from->fd(), nullptr, direction.pipe->write_end.get(),
                               nullptr, pipe_size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (got <= 0) {
    if (got == 0) direction.source_ended = true;
    if (got < 0 && errno != EAGAIN && errno != EINTR) source_failed(direction);
    return Step::later;
  }
  direction.in_pipe = static_cast<size_t>(got);
  direction.at_line_end = false;  // we did not see the bytes
  flush_pipe(direction);
  if (static_cast<size_t>(got) >= small_read) return Step::more;
  if (direction.in_pipe == 0) stop_splicing(direction);
  return Step::later;
}

void Relay::flush_waiting(Direction& direction) {
  const ssize_t taken =
      ::send(direction.to->fd(), direction.waiting.data(), direction.waiting.size(), MSG_NOSIGNAL);
  if (taken < 0) {
    if (errno != EAGAIN && errno != EINTR) target_failed(direction);
    return;
  }
  direction.total += static_cast<uint64_t>(taken);
  direction.waiting.erase(0, static_cast<size_t>(taken));
  if (direction.waiting.empty()) std::string().swap(direction.waiting);
}

void Relay::flush_pipe(Direction& direction) {
  const ssize_t taken = ::splice(direction.pipe->read_end.get(), nullptr, direction.to->fd(),
                                 nullptr, direction.in_pipe, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (taken < 0) {
    if (errno != EAGAIN && errno != EINTR) target_failed(direction);
    return;
  }
  direction.total += static_cast<uint64_t>(taken);
  direction.in_pipe -= static_cast<size_t>(taken);
}

void Relay::stop_splicing(Direction& direction) {
  if (!direction.pipe) return;
  if (direction.in_pipe == 0) {
    pool_.give_back(std::move(*direction.pipe));
  } else {
    pool_.pipe_closed();
  }
  direction.pipe.reset();
  direction.read_size = small_read;
}

void Relay::source_failed(Direction& direction) {
  end_.reason =
      fmt::format("{}: {}", direction.from == &client_ ? "client" : "server", std::strerror(errno));
  broken_ = true;
}

void Relay::target_failed(Direction& direction) {
  end_.reason =
      fmt::format("{}: {}", direction.to == &client_ ? "client" : "server", std::strerror(errno));
  broken_ = true;
}

void Relay::pass_end_on(Direction& direction) {
  if (direction.end_passed_on) return;
  direction.end_passed_on = true;
  stop_splicing(direction);
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

void Relay::update_watches() {
  const auto wanted = [](const Direction& reads, const Direction& writes) {
    return (!reads.blocked() && !reads.source_ended ? PollHandle::readable : 0) |
           (writes.blocked() ? PollHandle::writable : 0);
  };
  client_.watch(wanted(to_backend_, to_client_));
  backend_.watch(wanted(to_client_, to_backend_));
}

// After anything has happened: is the session over, and if not, what are we waiting for?
void Relay::settle() {
  if (!finished_ && !broken_ && !(to_backend_.end_passed_on && to_client_.end_passed_on)) {
    update_watches();
    return;
  }
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
  if (finished_) return;
  const Millis silent = loop_.now() - last_traffic_;
  if (silent < idle_limit_) {
    wait_for_silence(idle_limit_ - silent);
    return;
  }
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
