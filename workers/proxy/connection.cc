#include "workers/proxy/connection.h"

#include <fmt/format.h>

#include <cerrno>
#include <optional>

#include "ipc/runtime/secret.h"

namespace openmmp::proxy {

namespace {
// More than any line or literal that a dialect asks for, so that a wait for one can always end.
constexpr size_t max_unread = 64 * 1024;
constexpr size_t read_size = 16 * 1024;
// Of what a peer still sends when it has been told that we are done.
constexpr size_t max_dropped = 1024 * 1024;
}  // namespace

struct Connection::Block {
  Block(Loop& l, UniqueFd fd) : loop(l), wire(l, std::move(fd)), timer(l) {
    wire.set_owner(this, [](void* self, int events) { static_cast<Block*>(self)->ready(events); });
  }

  void ready(int events);
  void read_available();
  void read_once();
  void fail_with(Error error);
  void set_deadline(std::optional<Millis> at);
  void timed_out();
  void wake() {
    Wait* waiter = std::exchange(waiting, nullptr);
    if (waiter != nullptr) waiter->resume();  // nothing of ours may follow
  }

  Loop& loop;
  Wire wire;
  Timer timer;
  LineBuffer input;
  Wait* waiting = nullptr;
  std::optional<Error> failure;  // of a deadline or an interrupt
  std::optional<Error> end;      // of the input; what came before it can still be read
  bool reset = false;            // the end was none that the peer had wanted
  bool shaking_hands = false;    // what comes is for TLS, and read by who waits for it
  std::optional<Millis> due;     // when who waits has waited long enough; nothing: never
  Millis armed_for{0};           // by the timer, if it is active: not after `due`
  Millis allowed{0};
  const char* awaited = "";
};

Connection::Wait::~Wait() {
  if (block_.waiting == this) block_.waiting = nullptr;
}

void Connection::Wait::await_suspend(std::coroutine_handle<> awaiting) {
  CHECK(block_.waiting == nullptr);
  handle = awaiting;
  block_.waiting = this;
}

void Connection::Block::ready(int events) {
  wire.note(events);
  if ((events & PollHandle::writable) != 0) wire.flush();
  read_available();
  if (wire.write_error() != 0 && !end) {
    reset = true;
    end.emplace(Errc::closed, wire.reason(wire.write_error()));
  }
  wake();
}

// Reads what there is, as far as there is room.
void Connection::Block::read_available() {
  while (wire.may_read() && !end && !shaking_hands && input.size() < max_unread) read_once();
}

void Connection::Block::read_once() {
  char buffer[read_size];
  const ssize_t got = wire.read(buffer, sizeof buffer);
  if (got <= 0) {
    if (got < 0 && errno == EAGAIN) return;
    reset = got < 0;
    end.emplace(Errc::closed, reset ? wire.reason(errno) : "connection closed");
    return;
  }
  const auto count = static_cast<size_t>(got);
  input.append(std::string_view(buffer, count));
  explicit_bzero(buffer, count);
}

void Connection::Block::fail_with(Error error) {
  if (!failure) failure.emplace(std::move(error));
  wake();
}

// The timer is left as it is while the deadline moves away, as it does with nearly every line: it
// looks again when its old time has come.
void Connection::Block::set_deadline(std::optional<Millis> at) {
  due = at;
  if (!due || (timer.active() && armed_for <= *due)) return;
  armed_for = *due;
  timer.start(
      *due - loop.now(), [](void* self) { static_cast<Block*>(self)->timed_out(); }, this);
}

void Connection::Block::timed_out() {
  if (!due) return;
  if (loop.now() < *due) return set_deadline(due);
  const auto seconds = std::chrono::duration<double>(allowed).count();
  fail_with(Error(Errc::timeout, fmt::format("no {} within {:g} s", awaited, seconds)));
}

Connection::Connection(Loop& loop, UniqueFd fd)
    : block_(std::make_unique<Block>(loop, std::move(fd))) {}
Connection::Connection(Connection&& other) noexcept = default;
Connection& Connection::operator=(Connection&& other) noexcept = default;
Connection::~Connection() = default;

void Connection::deadline(Millis time, const char* what) {
  block_->allowed = time;
  block_->awaited = what;
  block_->set_deadline(block_->loop.now() + time);
}

void Connection::rest() { block_->set_deadline(std::nullopt); }

void Connection::interrupt(Error error) { block_->fail_with(std::move(error)); }

void Connection::allow_farewell(Millis time) {
  block_->failure.reset();
  deadline(time, "room for a last line");
}

Result<> Connection::present() const {
  if (block_->failure) return fail(*block_->failure);
  if (block_->reset) return fail(*block_->end);
  return {};
}

Task<> Connection::pause(Millis time) {
  const Millis over = block_->loop.now() + time;
  Timer timer(block_->loop);
  timer.start(
      time, [](void* self) { static_cast<Block*>(self)->wake(); }, block_.get());
  while (block_->loop.now() < over) {
    co_await present();
    if (block_->end) co_await fail(*block_->end);
    Wait wait(*block_);
    co_await wait;
  }
}

void Connection::nudge() {
  if (block_->waiting != nullptr) block_->waiting->resume_soon(block_->loop);
}

Task<> Connection::connected() {
  Wait wait(*block_);
  co_await wait;
  if (block_->failure) co_await fail(*block_->failure);
  // A connection that could not be made is reported as input, and reading gave the reason.
  if (block_->end) co_await fail(Errc::unavailable, block_->end->detail);
}

Task<> Connection::more_input() {
  if (block_->failure) co_await fail(*block_->failure);
  // What there was no room for the last time will not be told again.
  const size_t before = block_->input.size();
  block_->read_available();
  if (block_->input.size() > before) co_return;
  if (block_->end) co_await fail(*block_->end);
  Wait wait(*block_);
  co_await wait;
}

Task<std::string> Connection::read_line(size_t limit) {
  CHECK(limit < max_unread);
  for (;;) {
    if (block_->failure) co_return fail(*block_->failure);
    Result<std::optional<std::string>> line = block_->input.next_line(limit);
    if (!line) co_return fail(line.error());
    if (*line) {
      block_->read_available();  // there is room again
      co_return std::move(**line);
    }
    co_await more_input();
  }
}

Task<std::string> Connection::read_bytes(size_t count) {
  CHECK(count < max_unread);
  for (;;) {
    if (block_->failure) co_return fail(*block_->failure);
    std::optional<std::string> bytes = block_->input.next_bytes(count);
    if (bytes) {
      block_->read_available();
      co_return std::move(*bytes);
    }
    co_await more_input();
  }
}

namespace {
struct WipedAtEnd {
  explicit WipedAtEnd(std::string& t) : text(t) {}
  ~WipedAtEnd() { wipe(text); }
  std::string& text;
};
}  // namespace

Task<> Connection::write(std::string text) {
  const WipedAtEnd wiped(text);
  Wire& wire = block_->wire;
  // A handshake that has failed leaves nobody to talk to.
  if (block_->shaking_hands && wire.tls() != nullptr) co_await fail(Errc::closed, "no TLS");
  for (size_t sent = 0;;) {
    if (block_->failure) co_await fail(*block_->failure);
    const ssize_t count = wire.write(text.data() + sent, text.size() - sent);
    if (count < 0 && errno != EAGAIN) co_await fail(Errc::closed, wire.reason(errno));
    if (count > 0) sent += static_cast<size_t>(count);
    if (sent == text.size()) break;
    Wait wait(*block_);
    co_await wait;
  }
  while (wire.has_unsent()) {
    if (block_->failure) co_await fail(*block_->failure);
    Wait wait(*block_);
    co_await wait;
  }
}

Task<> Connection::sent() {
  while (block_->wire.unsent() > 0) {
    if (block_->failure) co_await fail(*block_->failure);
    block_->wire.tell_when_sent();
    Wait wait(*block_);
    co_await wait;
  }
}

void Connection::consume(size_t count) { block_->input.consume(count); }

Task<> Connection::upgrade(tls::Stream stream, std::string go_ahead) {
  if (has_buffered_input()) co_await fail(Errc::protocol, "plain text behind the start of TLS");
  block_->shaking_hands = true;  // not another byte is taken for plain text
  if (!go_ahead.empty()) co_await write(std::move(go_ahead));
  block_->wire.start_tls(std::move(stream), std::string());
  co_await handshake(false);
}

Task<> Connection::begin_tls(tls::Stream stream, bool speaks_next) {
  block_->shaking_hands = true;
  block_->wire.start_tls(std::move(stream), block_->input.take_all());
  co_await handshake(speaks_next);
}

Task<> Connection::handshake(bool speaks_next) {
  for (;;) {
    if (block_->failure) co_await fail(*block_->failure);
    if (co_await block_->wire.handshake(speaks_next) == tls::Stream::Progress::done) break;
    if (block_->end) co_await fail(*block_->end);  // read before TLS began: nobody will tell of it
    Wait wait(*block_);
    co_await wait;
  }
  block_->shaking_hands = false;
  block_->read_available();  // what came with the end of the handshake will not be told again
}

const tls::Stream* Connection::tls() const { return block_->wire.tls(); }
const LineBuffer& Connection::buffer() const { return block_->input; }

Task<> Connection::linger(Millis time) {
  block_->wire.end();
  if (block_->shaking_hands) {
    block_->wire.abandon_tls();
    block_->shaking_hands = false;
  }
  deadline(time, "end of the connection");
  for (size_t dropped = 0; dropped < max_dropped && !block_->end;) {
    if (block_->failure) co_await fail(*block_->failure);
    dropped += block_->input.size();
    block_->input.discard();
    block_->read_available();
    if (!block_->input.empty() || block_->end) continue;
    Wait wait(*block_);
    co_await wait;
  }
}

bool Connection::has_lost_words() const { return block_->wire.write_error() != 0; }

bool Connection::has_ended() const { return block_->end.has_value(); }

int Connection::fd() const { return block_->wire.fd(); }

Connection::Remains Connection::release() {
  Remains remains;
  if (block_->end) block_->wire.note(PollHandle::readable);  // the relay is to read the end itself
  remains.wire = std::move(block_->wire);
  remains.unread = block_->input.take_all();
  block_.reset();
  return remains;
}

}  // namespace openmmp::proxy
