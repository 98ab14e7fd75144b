#include "workers/proxy/connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
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
  Block(Loop& loop, UniqueFd fd) : socket(loop, std::move(fd)), timer(loop) {
    socket.set_owner(this,
                     [](void* self, int events) { static_cast<Block*>(self)->ready(events); });
  }

  void ready(int events);
  void read_available();
  bool read_once();
  void fail_with(Error error);
  void timed_out();
  void wake() {
    if (waiting) std::exchange(waiting, {}).resume();  // nothing of ours may follow
  }

  PollHandle socket;
  Timer timer;
  LineBuffer input;
  std::coroutine_handle<> waiting;
  std::optional<Error> failure;
  Millis allowed{0};
  const char* awaited = "";
  bool peer_ended = false;     // its end is in the kernel, or
  bool end_of_input = false;   // has been read
  bool may_have_more = false;  // the kernel may hold input that no edge will tell of
};

// Waits for the next thing to happen to the connection, whatever it is.
class Connection::Wait {
 public:
  explicit Wait(Block& block) : block_(block) {}
  ~Wait() { block_.waiting = {}; }
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    CHECK(!block_.waiting);
    block_.waiting = handle;
  }
  void await_resume() const {}

 private:
  Block& block_;
};

void Connection::Block::ready(int events) {
  if (events & PollHandle::ended) peer_ended = true;
  if (events & (PollHandle::readable | PollHandle::ended)) {
    may_have_more = true;
    read_available();
  }
  wake();
}

// Reads what there is, as far as there is room.
void Connection::Block::read_available() {
  while (may_have_more && !end_of_input && input.size() < max_unread) may_have_more = read_once();
}

// False when the kernel has no more for now.
bool Connection::Block::read_once() {
  char buffer[read_size];
  const ssize_t got = ::recv(socket.fd(), buffer, sizeof buffer, 0);
  if (got <= 0) {
    if (got < 0 && errno == EINTR) return true;
    if (got < 0 && errno == EAGAIN) return false;
    if (got < 0) failure.emplace(Errc::closed, std::strerror(errno));
    end_of_input = true;
    return false;
  }
  const auto count = static_cast<size_t>(got);
  input.append(std::string_view(buffer, count));
  explicit_bzero(buffer, count);
  // A short read has emptied the socket; what comes later comes with an edge of its own.
  return count == sizeof buffer || peer_ended;
}

void Connection::Block::fail_with(Error error) {
  if (!failure) failure.emplace(std::move(error));
  wake();
}

void Connection::Block::timed_out() {
  const auto seconds = std::chrono::duration<double>(allowed).count();
  fail_with(Error(Errc::timeout, fmt::format("no {} within {:g} s", awaited, seconds)));
}

Connection::Connection(Loop& loop, UniqueFd fd)
    : block_(std::make_unique<Block>(loop, std::move(fd))) {
  block_->socket.watch_edges();
}
Connection::Connection(Connection&& other) noexcept = default;
Connection& Connection::operator=(Connection&& other) noexcept = default;
Connection::~Connection() = default;

void Connection::deadline(Millis time, const char* what) {
  block_->allowed = time;
  block_->awaited = what;
  block_->timer.start(
      time, [](void* self) { static_cast<Block*>(self)->timed_out(); }, block_.get());
}

void Connection::interrupt(Error error) { block_->fail_with(std::move(error)); }

void Connection::allow_farewell(Millis time) {
  if (block_->failure && block_->failure->code == Errc::closed) return;
  block_->failure.reset();
  deadline(time, "room for a last line");
}

Task<> Connection::connected() {
  Block& block = *block_;
  Wait wait(block);
  co_await wait;
  if (!block.failure) co_return;
  // A connection that failed is reported as input, and reading gave the reason.
  const bool refused = block.failure->code == Errc::closed;
  co_await fail(refused ? Errc::unavailable : block.failure->code, block.failure->detail);
}

Task<std::string> Connection::read_line(size_t limit) {
  Block& block = *block_;
  CHECK(limit < max_unread);
  for (;;) {
    if (block.failure) co_return fail(*block.failure);
    Result<std::optional<std::string>> line = block.input.next_line(limit);
    if (!line) co_return fail(line.error());
    if (*line) {
      block.read_available();  // there is room again
      co_return std::move(**line);
    }
    if (block.end_of_input) co_return fail(Errc::closed, "connection closed");
    Wait wait(block);
    co_await wait;
  }
}

Task<std::string> Connection::read_bytes(size_t count) {
  Block& block = *block_;
  CHECK(count < max_unread);
  for (;;) {
    if (block.failure) co_return fail(*block.failure);
    std::optional<std::string> bytes = block.input.next_bytes(count);
    if (bytes) {
      block.read_available();  // there is room again
      co_return std::move(*bytes);
    }
    if (block.end_of_input) co_return fail(Errc::closed, "connection closed");
    Wait wait(block);
    co_await wait;
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
  Block& block = *block_;
  const WipedAtEnd wiped(text);
  for (size_t sent = 0;;) {
    if (block.failure) co_await fail(*block.failure);
    const ssize_t count =
        ::send(block.socket.fd(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count >= 0) {
      sent += static_cast<size_t>(count);
      if (sent == text.size()) break;
    } else if (errno != EAGAIN && errno != EINTR) {
      co_await fail(Errc::closed, std::strerror(errno));
    }
    Wait wait(block);
    co_await wait;
  }
}

Task<> Connection::linger(Millis time) {
  Block& block = *block_;
  ::shutdown(block.socket.fd(), SHUT_WR);
  deadline(time, "end of the connection");
  for (size_t dropped = 0; dropped < max_dropped && !block.end_of_input;) {
    dropped += block.input.take_all().size();
    block.read_available();
    if (block.failure) co_await fail(*block.failure);
    if (!block.input.empty() || block.end_of_input) continue;
    Wait wait(block);
    co_await wait;
  }
}

bool Connection::has_buffered_input() const { return !block_->input.empty(); }
int Connection::fd() const { return block_->socket.fd(); }

Connection::Remains Connection::release() {
  Remains remains;
  remains.may_have_more = block_->may_have_more || block_->peer_ended;
  remains.socket = std::move(block_->socket);
  remains.unread = block_->input.take_all();
  block_.reset();
  return remains;
}

}  // namespace openmmp::proxy
