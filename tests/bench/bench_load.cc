// The load driver of the bench: an IMAP client of thousands of sessions in one epoll loop, the same
// for every proxy. Whatever is not the expected answer is counted as an error.
//
//   bench_load logins|noops|bulk|idle --port P [--total N] [--sessions S] [--users U]
//              [--password W] [--tls 1.2|1.3] [--resume yes]
//
// With --tls it speaks TLS from the start, and every handshake must be full. With --resume, logins
// are by tickets: S full ones before "ready" bring the first, each resumed one brings the next, and
// a handshake that turns out to be full is an error.
//
// It works in step with the script that measures. It prints {"what": "started"}, logs its sessions
// in, prints {"what": "ready"}, does its work, and prints {"what": "done"} with the sessions still
// open; before each of the steps, and before it leaves, it waits for a line on standard input. So
// the script reads the proxy's CPU time and memory at moments when nothing moves.
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/bench_net.h"
#include "tests/bench/bench_tls.h"

namespace {

using namespace bench;

constexpr std::size_t literal_size = 1 << 20;
constexpr std::size_t opened_at_once = 64;
constexpr int stalled_milliseconds = 20000;
constexpr std::size_t most_errors = 100;  // a proxy that does not work is no reason to wait

struct Options {
  std::string mode;
  std::uint16_t port = 0;
  std::size_t total = 1000;
  std::size_t sessions = 64;
  std::size_t users = 100;
  std::string password = "secret";
  std::string tls;  // its version, or empty
  bool resume = false;
};

enum class Step { connect, handshake, greeting, login, idle, command, logout, over };

struct Session {
  int fd = -1;
  std::unique_ptr<TlsLink> tls;  // null when the connection is plain
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
      : options_(std::move(options)), epoll_(check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    if (!options_.tls.empty()) tls_ = std::make_unique<TlsClient>(options_.tls, options_.resume);
  }

  void prepare();  // logs the sessions in, if the mode has any, or collects tickets
  void work();
  void report(const char* what, double seconds) const;

 private:
  bool is(std::string_view mode) const { return options_.mode == mode; }
  void open_sessions(std::size_t count, std::size_t at_once);
  void open_one();
  void wait_for_events();
  void on_event(Session& session);
  bool start_tls(Session& session);
  bool shake_hands(Session& session);
  bool read(Session& session);
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
  std::unique_ptr<TlsClient> tls_;
  std::vector<std::unique_ptr<Session>> sessions_;  // by descriptor
  std::size_t opened_ = 0;
  std::size_t pending_ = 0;   // pieces of work under way
  std::size_t to_start_ = 0;  // commands still to be sent
  std::size_t done_ = 0;
  std::size_t errors_ = 0;
  std::string first_error_;
  bool stalled_ = false;
  bool resuming_ = false;
  std::size_t full_ = 0;  // handshakes
  std::size_t resumed_ = 0;
  std::string cipher_;  // what the last handshake agreed on
};

// Always false, so that a reader can end with it.
bool Driver::error(const Session& session, std::string_view what) {
  ++errors_;
  if (first_error_.empty()) first_error_ = session.user + ": " + std::string(what);
  return false;
}

bool Driver::say(Session& session, const std::string& text) {
  const ssize_t sent = session.tls ? session.tls->write(text)
                                   : send(session.fd, text.data(), text.size(), MSG_NOSIGNAL);
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
  // In TLS the client speaks first, as soon as the connection is made.
  if (tls_) sessions_[slot]->step = Step::connect;
  watch(epoll_, static_cast<int>(slot), tls_ ? EPOLLOUT : EPOLLIN, slot);
}

void Driver::open_sessions(std::size_t count, std::size_t at_once) {
  while (count > 0 || pending_ > 0) {
    for (; count > 0 && pending_ < at_once; --count) open_one();
    if (pending_ > 0) wait_for_events();
    if (stalled_ || errors_ >= most_errors) return;
  }
}

void Driver::wait_for_events() {
  epoll_event events[256];
  const int ready = epoll_wait(epoll_, events, 256, stalled_milliseconds);
  if (ready == 0) {
    stalled_ = true;
    errors_ += pending_;
    if (first_error_.empty()) first_error_ = "stalled: no answer for 20 seconds";
    pending_ = 0;
  }
  for (int i = 0; i < ready; ++i) on_event(*sessions_[events[i].data.u64]);
}

void Driver::on_event(Session& session) {
  if (session.step == Step::connect && !start_tls(session)) return end_of(session);
  if (session.step == Step::handshake && !shake_hands(session)) return;
  while (read(session) && session.tls && session.tls->has_more()) {
  }
}

bool Driver::start_tls(Session& session) {
  session.tls = resuming_ ? tls_->start_resumed(session.fd) : tls_->start_full(session.fd);
  if (!session.tls) return error(session, "no ticket is left");
  session.step = Step::handshake;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = static_cast<std::uint64_t>(session.fd);
  check(epoll_ctl(epoll_, EPOLL_CTL_MOD, session.fd, &event), "epoll_ctl");
  return true;
}

// False when there is nothing to read yet, or never will be.
bool Driver::shake_hands(Session& session) {
  const Shaken shaken = session.tls->shake_hands();
  if (shaken == Shaken::failed) {
    error(session, session.tls->failure());
    end_of(session);
  }
  if (shaken != Shaken::done) return false;
  ++(session.tls->resumed() ? resumed_ : full_);
  cipher_ = session.tls->cipher();
  session.step = Step::greeting;
  return true;
}

// False when the session has ended or there was nothing to read.
bool Driver::read(Session& session) {
  static char buffer[1 << 18];
  const ssize_t got = session.tls ? session.tls->read(buffer, sizeof buffer)
                                  : recv(session.fd, buffer, sizeof buffer, 0);
  if (got < 0 && errno == EAGAIN) return false;
  if (got <= 0) {
    if (session.step != Step::over) error(session, got < 0 ? std::strerror(errno) : "closed");
    end_of(session);
    return false;
  }
  if (take(session, std::string_view(buffer, static_cast<std::size_t>(got)))) return true;
  end_of(session);
  return false;
}

void Driver::end_of(Session& session) {
  if (session.step == Step::over) {
    ++done_;
    if (session.tls) tls_->finish(*session.tls);
  }
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
  if (is("logins") && !options_.resume) return;
  open_sessions(options_.sessions, opened_at_once);
  if (!is("logins")) return;
  if (errors_ == 0 && tls_->tickets() < options_.sessions) {
    ++errors_;
    first_error_ = "only " + std::to_string(tls_->tickets()) + " of " +
                   std::to_string(options_.sessions) + " sessions were given a ticket";
  }
  resuming_ = true;
  done_ = 0;
}

void Driver::work() {
  if (errors_ > 0) return;  // there is no figure to win any more
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

// This process's own: a driver that used more than the proxy would be what is measured.
double cpu_seconds() {
  rusage usage{};
  check(getrusage(RUSAGE_SELF, &usage), "getrusage");
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void Driver::report(const char* what, double seconds) const {
  std::string error = first_error_;
  for (char& c : error) {
    if (c < ' ' || c > '~' || c == '"' || c == '\\') c = '?';
  }
  std::printf(
      "{\"what\": \"%s\", \"done\": %zu, \"errors\": %zu, \"seconds\": %.3f, "
      "\"own_cpu_seconds\": %.3f, ",
      what, done_, errors_, seconds, cpu_seconds());
  if (tls_) {
    std::printf("\"cipher\": \"%s\", \"full\": %zu, \"resumed\": %zu, ", cipher_.c_str(), full_,
                resumed_);
  }
  std::printf("\"first_error\": \"%s\"}\n", error.c_str());
  std::fflush(stdout);
}

[[noreturn]] void usage() {
  std::fprintf(stderr,
               "usage: bench_load logins|noops|bulk|idle --port P [--total N] [--sessions S]\n"
               "                  [--users U] [--password W] [--tls 1.2|1.3] [--resume yes]\n");
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
    else if (name == "--tls")
      options.tls = argv[i + 1];
    else if (name == "--resume")
      options.resume = std::string_view(argv[i + 1]) == "yes";
    else
      usage();
  }
  const std::string_view mode = options.mode;
  if (mode != "logins" && mode != "noops" && mode != "bulk" && mode != "idle") usage();
  if (options.port == 0 || options.sessions == 0) usage();
  const bool tls = options.tls == "1.2" || options.tls == "1.3";
  if ((!tls && !options.tls.empty()) || (!tls && options.resume)) usage();
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
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
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
