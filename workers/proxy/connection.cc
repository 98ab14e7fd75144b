#include "workers/proxy/connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "ipc/runtime/secret.h"
#include "ipc/runtime/socket.h"

namespace openmmp::proxy {

namespace {
// More than any line or literal that a dialect asks for, so that a wait for one can always end.
constexpr size_t max_unread = 64 * 1024;
constexpr size_t read_size = 16 * 1024;
}  // namespace

struct Connection::Block {
  Block(Loop& loop, UniqueFd fd) : socket(loop, std::move(fd)), timer(loop) {
    socket.set_owner(this,
                     [](void* self, int events) { static_cast<Block*>(self)->ready(events); });
  }

  void ready(int events);
  void read_some();
  void fail_with(Error error);
  void timed_out();
  void watch_for_input(int also);
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
  bool end_of_input = false;
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
  if (events & PollHandle::readable) read_some();
  wake();
}

void Connection::Block::read_some() {
  char buffer[read_size];
  const ssize_t count = ::recv(socket.fd(), buffer, sizeof buffer, 0);
  if (count > 0) {
    input.append(std::string_view(buffer, static_cast<size_t>(count)));
    explicit_bzero(buffer, static_cast<size_t>(count));
  } else if (count == 0) {
    end_of_input = true;
  } else if (errno != EAGAIN && errno != EINTR) {
    failure.emplace(Errc::closed, std::strerror(errno));
    end_of_input = true;
  }
  watch_for_input(socket.watched() & PollHandle::writable);
}

void Connection::Block::watch_for_input(int also) {
  const bool wanted = !end_of_input && input.size() < max_unread;
  socket.watch((wanted ? PollHandle::readable : 0) | also);
}

void Connection::Block::fail_with(Error error) {
  if (!failure) failure.emplace(std::move(error));
  wake();
}

void Connection::Block::timed_out() {
  const auto seconds = std::chrono::duration<double>(allowed).count();
  fail_with(Error(Errc::timeout, fmt::format("no {} within {:g} s", awaited, seconds)));
}

Connection::Connection(Loop& loop, UniqueFd fd) : Connection(loop, std::move(fd), Connecting()) {
  block_->watch_for_input(0);
}
Connection::Connection(Loop& loop, UniqueFd fd, Connecting)
    : block_(std::make_unique<Block>(loop, std::move(fd))) {}
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
  block.socket.watch(PollHandle::writable);
  Wait wait(block);
  co_await wait;
  if (block.failure) co_await fail(*block.failure);
  const int error = socket_error(block.socket.fd());
  if (error != 0) co_await fail(Errc::unavailable, std::strerror(error));
  block.watch_for_input(0);
}

Task<std::string> Connection::read_line(size_t limit) {
  Block& block = *block_;
  CHECK(limit < max_unread);
  for (;;) {
    if (block.failure) co_return fail(*block.failure);
    Result<std::optional<std::string>> line = block.input.next_line(limit);
    if (!line) co_return fail(line.error());
    if (*line) {
      block.watch_for_input(0);
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
      block.watch_for_input(0);
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
    block.watch_for_input(PollHandle::writable);
    Wait wait(block);
    co_await wait;
  }
  block.watch_for_input(0);
}

bool Connection::has_buffered_input() const { return !block_->input.empty(); }
int Connection::fd() const { return block_->socket.fd(); }

Connection::Remains Connection::release() {
  Remains remains;
  remains.socket = std::move(block_->socket);
  remains.unread = block_->input.take_all();
  block_.reset();
  return remains;
}

}  // namespace openmmp::proxy
