// The floor of cost: a proxy with nothing in it. It makes the socket calls that no proxy can avoid
// (accept, greet, read the login, connect to the store, log in there, relay both ways, close) and
// does nothing else: no look-up, no log, no limits, no timeouts, no other command before login.
// How near a real proxy comes to it says what that proxy's own work costs.
//
//   bench_floor PORT STORE-PORT
#include <fcntl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/bench_net.h"

namespace {

using namespace bench;

constexpr std::size_t read_size = 256 << 10;
constexpr int pipe_size = 1 << 20;
constexpr std::string_view greeting = "* OK [CAPABILITY IMAP4rev1 LITERAL+ ID] Ready\r\n";

char shared_buffer[read_size];

struct Pipe {
  int read_end = -1;
  int write_end = -1;
};

// Pipes are made when first wanted and used again; only a relay with bytes under way holds one.
class Pipes {
 public:
  Pipe take() {
    if (!free_.empty()) {
      const Pipe pipe = free_.back();
      free_.pop_back();
      return pipe;
    }
    int ends[2];
    check(pipe2(ends, O_NONBLOCK | O_CLOEXEC), "pipe2");
    check(fcntl(ends[1], F_SETPIPE_SZ, pipe_size), "F_SETPIPE_SZ");
    return Pipe{ends[0], ends[1]};
  }
  void give_back(Pipe pipe) { free_.push_back(pipe); }

 private:
  std::vector<Pipe> free_;
};

// What one direction could not pass on at once. An idle session has none.
struct Held {
  std::string bytes;
  Pipe pipe;
  std::size_t piped = 0;
};

enum class Stage : unsigned char { login, store_greeting, relay };
constexpr int client = 0;
constexpr int store = 1;

struct Session {
  int fds[2] = {-1, -1};
  std::unique_ptr<Held> held[2];  // by the end that it came from
  Stage stage = Stage::login;
  bool unread[2] = {false, false};  // there is more to read than a short read tells of
};

enum class Moved { all, blocked, failed };

class Floor {
 public:
  Floor(std::uint16_t port, std::uint16_t store_port)
      : store_port_(store_port),
        listener_(listen_on(port)),
        epoll_(check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    watch(epoll_, listener_, EPOLLIN, static_cast<std::uint64_t>(listener_) << 1);
  }

  [[noreturn]] void run() {
    for (;;) {
      epoll_event events[256];
      const int ready = epoll_wait(epoll_, events, 256, -1);
      for (int i = 0; i < ready; ++i) {
        const auto fd = static_cast<int>(events[i].data.u64 >> 1);
        if (fd == listener_) {
          accept_all();
        } else {
          on_event(fd, static_cast<int>(events[i].data.u64 & 1), events[i].events);
        }
      }
    }
  }

 private:
  // Both descriptors of a session bear the number of its client's.
  void add(int fd, int client_fd, int side) {
    watch(epoll_, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
          static_cast<std::uint64_t>(client_fd) << 1 | static_cast<std::uint64_t>(side));
  }

  void accept_all() {
    for (int fd; (fd = accept_from(listener_)) >= 0;) {
      no_delay(fd);
      const auto slot = static_cast<std::size_t>(fd);
      if (sessions_.size() <= slot) sessions_.resize(slot + 1);
      sessions_[slot] = std::make_unique<Session>();
      sessions_[slot]->fds[client] = fd;
      send(fd, greeting.data(), greeting.size(), MSG_NOSIGNAL);
      add(fd, fd, client);
    }
  }

  void on_event(int client_fd, int side, std::uint32_t events) {
    std::unique_ptr<Session>& session = sessions_[static_cast<std::size_t>(client_fd)];
    // The event may be one of a session that ended earlier in this batch. Should a new one have
    // its number by now, that one reads in vain, which does no harm.
    if (!session || session->fds[side] < 0) return;
    const bool hung_up = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    // What a client says while the store is being connected is left unread for the relay.
    const bool early = session->stage == Stage::store_greeting && side == client;
    if (hung_up || early) session->unread[side] = true;
    if (advance(*session, side, hung_up || (events & EPOLLIN) != 0)) return;
    for (const int fd : session->fds) {
      if (fd >= 0) close(fd);
    }
    for (std::unique_ptr<Held>& held : session->held) release(held);
    session.reset();
  }

  // Goes on as far as the end `side` allows; false when the session is over.
  bool advance(Session& session, int side, bool readable) {
    if (session.stage == Stage::login) return !readable || read_login(session);
    if (session.stage == Stage::store_greeting) {
      return !readable || side == client || log_in(session);
    }
    if (readable && !pump(session, side)) return false;
    // The end may have become ready to take what the other direction holds for it.
    return !session.held[1 - side] || pump(session, 1 - side);
  }

  bool read_login(Session& session) {
    const ssize_t got = recv(session.fds[client], shared_buffer, read_size, 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    std::unique_ptr<Held>& held = session.held[client];
    if (!held) held = std::make_unique<Held>();
    held->bytes.append(shared_buffer, static_cast<std::size_t>(got));
    if (held->bytes.back() != '\n') return true;
    session.stage = Stage::store_greeting;
    session.fds[store] = connect_to(store_port_);
    if (session.fds[store] < 0) return false;
    add(session.fds[store], session.fds[client], store);
    return true;
  }

  bool log_in(Session& session) {
    const ssize_t got = recv(session.fds[store], shared_buffer, read_size, 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    if (shared_buffer[got - 1] != '\n') return true;
    session.stage = Stage::relay;
    // As a rule the client now waits for its answer, and reading on would be in vain.
    return session.unread[client] ? pump(session, client) : flush(session, client) != Moved::failed;
  }

  // Moves what there is from one end to the other; false when the session is over.
  bool pump(Session& session, int from) {
    std::unique_ptr<Held>& held = session.held[from];
    for (;;) {
      const Moved flushed = flush(session, from);
      if (flushed != Moved::all) return flushed == Moved::blocked;
      const bool splicing = held && held->pipe.read_end >= 0;
      const ssize_t got = splicing ? fill_pipe(session.fds[from], *held)
                                   : recv(session.fds[from], shared_buffer, read_size, 0);
      if (got <= 0) release(held);
      if (got < 0) return errno == EAGAIN;
      // At the store's end nothing is left to do: all it said has been passed on.
      if (got == 0) return from == client && shutdown(session.fds[store], SHUT_WR) == 0;
      if (splicing) continue;
      if (!pass(session, from, static_cast<std::size_t>(got))) return false;
      // A short read has emptied the socket; what comes later comes with an event of its own.
      if (!held && !session.unread[from]) return true;
    }
  }

  static ssize_t fill_pipe(int from, Held& held) {
    const ssize_t got = splice(from, nullptr, held.pipe.write_end, nullptr, pipe_size,
                               SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (got > 0) held.piped = static_cast<std::size_t>(got);
    return got;
  }

  // Sends the shared buffer on and holds what was not taken.
  bool pass(Session& session, int from, std::size_t size) {
    const ssize_t sent = send(session.fds[1 - from], shared_buffer, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    if (taken == size && size < read_size) return true;
    session.held[from] = std::make_unique<Held>();
    session.held[from]->bytes.assign(shared_buffer + taken, size - taken);
    if (size == read_size) session.held[from]->pipe = pipes_.take();
    return true;
  }

  // Sends what is held; afterwards only a direction in the middle of a splice holds anything.
  Moved flush(Session& session, int from) {
    std::unique_ptr<Held>& held = session.held[from];
    const int to = session.fds[1 - from];
    while (held && !held->bytes.empty()) {
      const ssize_t sent = send(to, held->bytes.data(), held->bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN ? Moved::blocked : Moved::failed;
      held->bytes.erase(0, static_cast<std::size_t>(sent));
    }
    while (held && held->piped > 0) {
      const ssize_t sent = splice(held->pipe.read_end, nullptr, to, nullptr, held->piped,
                                  SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (sent < 0) return errno == EAGAIN ? Moved::blocked : Moved::failed;
      held->piped -= static_cast<std::size_t>(sent);
    }
    if (held && held->pipe.read_end < 0) held.reset();
    return Moved::all;
  }

  void release(std::unique_ptr<Held>& held) {
    if (held && held->pipe.read_end >= 0 && held->piped == 0) pipes_.give_back(held->pipe);
    if (held && held->piped > 0) {
      close(held->pipe.read_end);
      close(held->pipe.write_end);
    }
    held.reset();
  }

  const std::uint16_t store_port_;
  const int listener_;
  const int epoll_;
  std::vector<std::unique_ptr<Session>> sessions_;  // by the client's descriptor
  Pipes pipes_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_floor PORT STORE-PORT\n");
    return 2;
  }
  raise_descriptor_limit();
  Floor(parse_port(argv[1]), parse_port(argv[2])).run();
}
