// The load driver of the bench: an IMAP client of thousands of sessions in one epoll loop, the same
// for every proxy. Whatever is not the expected answer is counted as an error.
//
//   bench_load logins|noops|bulk|idle --port P [--total N] [--sessions S] [--users U] [--password
//   W]
//
// It works in step with the script that measures. It prints {"what": "started"}, logs its sessions
// in, prints {"what": "ready"}, does its work, and prints {"what": "done"} with the sessions still
// open; before each of the steps, and before it leaves, it waits for a line on standard input. So
// the script reads the proxy's CPU time and memory at moments when nothing moves.
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/bench_net.h"

namespace {

using namespace bench;

constexpr std::size_t literal_size = 1 << 20;
constexpr std::size_t opened_at_once = 64;
constexpr int stalled_milliseconds = 20000;

struct Options {
  std::string mode;
  std::uint16_t port = 0;
  std::size_t total = 1000;
  std::size_t sessions = 64;
  std::size_t users = 100;
  std::string password = "secret";
};

enum class Step { greeting, login, idle, command, logout, over };

struct Session {
  int fd = -1;
  Step step = Step::greeting;
  bool busy = true;  // has a piece of work that counts in pending_
  std::string user;
  std::string line;               // the part of a line that has come
  std::size_t literal_left = 0;   // bytes to come of a literal
  std::size_t literals_seen = 0;  // whole ones
  std::size_t literals_due = 0;   // as many as must have come at the tagged answer
};

class Driver {
 public:
  explicit Driver(Options options)
      : options_(std::move(options)),
        epoll_(check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

  void prepare();  // logs the sessions in, if the mode has any
  void work();
  void report(const char* what, double seconds) const;

 private:
  bool is(std::string_view mode) const { return options_.mode == mode; }
  void open_sessions(std::size_t count, std::size_t at_once);
  void open_one();
  void wait_for_events();
  void read(Session& session);
  bool take(Session& session, std::string_view data);
  std::size_t take_literal(Session& session, std::string_view data);
  bool take_line(Session& session, std::string_view line);
  bool take_tagged(Session& session, std::string_view line);
  void start_command(Session& session);
  bool say(Session& session, const std::string& text);
  bool error(const Session& session, std::string_view what);
  void end_of(Session& session);

  const Options options_;
  const int epoll_;
  const std::string body_ = literal_body(literal_size);
  std::vector<std::unique_ptr<Session>> sessions_;  // by descriptor
  std::size_t opened_ = 0;
  std::size_t pending_ = 0;   // pieces of work under way
  std::size_t to_start_ = 0;  // commands still to be sent
  std::size_t done_ = 0;
  std::size_t errors_ = 0;
  std::string first_error_;
};

// Always false, so that a reader can end with it.
bool Driver::error(const Session& session, std::string_view what) {
  ++errors_;
  if (first_error_.empty()) first_error_ = session.user + ": " + std::string(what);
  return false;
}

bool Driver::say(Session& session, const std::string& text) {
  const ssize_t sent = send(session.fd, text.data(), text.size(), MSG_NOSIGNAL);
  // A command is shorter than any socket buffer, so that less is a fault and no reason to wait.
  return sent == static_cast<ssize_t>(text.size()) || error(session, "could not send");
}

void Driver::open_one() {
  auto session = std::make_unique<Session>();
  session->user = "user" + std::to_string(opened_++ % options_.users);
  session->fd = connect_to(options_.port);
  if (session->fd < 0) {
    error(*session, std::strerror(errno));
    return;
  }
  ++pending_;
  const auto slot = static_cast<std::size_t>(session->fd);
  if (sessions_.size() <= slot) sessions_.resize(slot + 1);
  sessions_[slot] = std::move(session);
  watch(epoll_, static_cast<int>(slot), EPOLLIN, slot);
}

void Driver::open_sessions(std::size_t count, std::size_t at_once) {
  while (count > 0 || pending_ > 0) {
    for (; count > 0 && pending_ < at_once; --count) open_one();
    if (pending_ > 0) wait_for_events();
  }
}

void Driver::wait_for_events() {
  epoll_event events[256];
  const int ready = epoll_wait(epoll_, events, 256, stalled_milliseconds);
  if (ready == 0) {
    errors_ += pending_;
    if (first_error_.empty()) first_error_ = "stalled: no answer for 20 seconds";
    pending_ = 0;
  }
  for (int i = 0; i < ready; ++i) read(*sessions_[events[i].data.u64]);
}

void Driver::read(Session& session) {
  static char buffer[1 << 18];
  const ssize_t got = recv(session.fd, buffer, sizeof buffer, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    if (session.step != Step::over) error(session, got < 0 ? std::strerror(errno) : "closed");
    end_of(session);
    return;
  }
  if (!take(session, std::string_view(buffer, static_cast<std::size_t>(got)))) end_of(session);
}

void Driver::end_of(Session& session) {
  if (session.step == Step::over) ++done_;
  if (session.busy && pending_ > 0) --pending_;
  close(session.fd);
  sessions_[static_cast<std::size_t>(session.fd)].reset();
}

// False when the session cannot go on; the error has been counted.
bool Driver::take(Session& session, std::string_view data) {
  while (!data.empty()) {
    if (session.literal_left > 0) {
      const std::size_t taken = take_literal(session, data);
      if (taken == 0) return error(session, "the literal is not what the store sent");
      data.remove_prefix(taken);
      continue;
    }
    const std::size_t end = data.find('\n');
    session.line += data.substr(0, end);
    if (end == std::string_view::npos) return true;
    data.remove_prefix(end + 1);
    const std::string line = std::exchange(session.line, std::string());
    if (!take_line(session, line)) return false;
  }
  return true;
}

std::size_t Driver::take_literal(Session& session, std::string_view data) {
  const std::size_t size = std::min(session.literal_left, data.size());
  // Comparing costs the machine's caches, so that each session compares its first literal only.
  const std::size_t from = literal_size - session.literal_left;
  if (session.literals_seen == 0 && std::memcmp(body_.data() + from, data.data(), size) != 0) {
    return 0;
  }
  session.literal_left -= size;
  if (session.literal_left == 0) ++session.literals_seen;
  return size;
}

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool Driver::take_line(Session& session, std::string_view line) {
  static const std::string literal = " {" + std::to_string(literal_size) + "}\r";
  if (session.step == Step::greeting) {
    if (!starts_with(line, "* OK")) return error(session, line);
    session.step = Step::login;
    return say(session, "a1 LOGIN " + session.user + " \"" + options_.password + "\"\r\n");
  }
  if (starts_with(line, "a")) return take_tagged(session, line);
  if (starts_with(line, "* BYE") && session.step != Step::logout) return error(session, line);
  if (line.size() >= literal.size() && line.substr(line.size() - literal.size()) == literal) {
    session.literal_left = literal_size;
  }
  // Anything else untagged is either the rest of a response or news that a client may ignore.
  return starts_with(line, "* ") || line == ")\r" || error(session, line);
}

bool Driver::take_tagged(Session& session, std::string_view line) {
  switch (session.step) {
    case Step::login:
      if (!starts_with(line, "a1 OK")) return error(session, line);
      if (is("logins")) {
        session.step = Step::logout;
        return say(session, "a2 LOGOUT\r\n");
      }
      break;
    case Step::command:
      if (!starts_with(line, "a3 OK")) return error(session, line);
      if (session.literals_seen != session.literals_due) return error(session, "no literal came");
      ++done_;
      break;
    case Step::logout:
      if (!starts_with(line, "a2 OK")) return error(session, line);
      session.step = Step::over;
      return true;
    default:
      return error(session, line);
  }
  session.step = Step::idle;
  session.busy = false;
  --pending_;
  if (to_start_ > 0) start_command(session);
  return true;
}

void Driver::start_command(Session& session) {
  --to_start_;
  session.step = Step::command;
  session.busy = true;
  ++pending_;
  if (is("bulk")) ++session.literals_due;
  say(session, is("bulk") ? "a3 FETCH 1 BODY.PEEK[]\r\n" : "a3 NOOP\r\n");
}

void Driver::prepare() {
  if (!is("logins")) open_sessions(options_.sessions, opened_at_once);
}

void Driver::work() {
  if (is("logins")) {
    open_sessions(options_.total, options_.sessions);
    return;
  }
  to_start_ = is("idle") ? options_.sessions : options_.total;
  for (const auto& session : sessions_) {
    if (session && to_start_ > 0) start_command(*session);
  }
  while (pending_ > 0) wait_for_events();
  errors_ += to_start_;
}

void Driver::report(const char* what, double seconds) const {
  std::string error = first_error_;
  for (char& c : error) {
    if (c < ' ' || c > '~' || c == '"' || c == '\\') c = '?';
  }
  std::printf(
      "{\"what\": \"%s\", \"done\": %zu, \"errors\": %zu, \"seconds\": %.3f, "
      "\"first_error\": \"%s\"}\n",
      what, done_, errors_, seconds, error.c_str());
  std::fflush(stdout);
}

[[noreturn]] void usage() {
  std::fprintf(stderr,
               "usage: bench_load logins|noops|bulk|idle --port P [--total N] [--sessions S]\n"
               "                  [--users U] [--password W]\n");
  std::exit(2);
}

Options parse(int argc, char** argv) {
  Options options;
  if (argc < 4 || argc % 2 != 0) usage();
  options.mode = argv[1];
  for (int i = 2; i < argc; i += 2) {
    const std::string_view name = argv[i];
    const auto number = static_cast<std::size_t>(std::strtoul(argv[i + 1], nullptr, 10));
    if (name == "--port")
      options.port = parse_port(argv[i + 1]);
    else if (name == "--total")
      options.total = number;
    else if (name == "--sessions")
      options.sessions = number;
    else if (name == "--users")
      options.users = std::max<std::size_t>(number, 1);
    else if (name == "--password")
      options.password = argv[i + 1];
    else
      usage();
  }
  const std::string_view mode = options.mode;
  if (mode != "logins" && mode != "noops" && mode != "bulk" && mode != "idle") usage();
  if (options.port == 0 || options.sessions == 0) usage();
  return options;
}

// The end of input is the script's end, and then this program's as well.
void wait_for_line() {
  for (int c = 0; c != '\n';) {
    c = std::getchar();
    if (c == EOF) std::exit(0);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Driver driver(parse(argc, argv));
  raise_descriptor_limit();
  driver.report("started", 0);
  wait_for_line();
  driver.prepare();
  driver.report("ready", 0);
  wait_for_line();
  const auto start = std::chrono::steady_clock::now();
  driver.work();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  driver.report("done", took.count());
  wait_for_line();
}
