// The load driver of the bench for SMTP: clients that log in by AUTH PLAIN and send messages of
// 4 KiB, one after the other, in one epoll loop, the same for every proxy. Whatever is not the
// expected answer is counted as an error.
//
//   bench_mail mails --port P [--total N] [--sessions S] [--messages M] [--users U] [--tls 1.2|1.3]
//
// N messages go in sessions of M each, S of them at a time. Each command waits for the answer to
// the one before, as with a server that announces no PIPELINING. It works in step with the script
// that measures, as bench_load does.
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

constexpr std::size_t message_size = 4096;
constexpr int stalled_milliseconds = 20000;
constexpr std::size_t most_errors = 100;

struct Options {
  std::uint16_t port = 0;
  std::size_t total = 1000;
  std::size_t sessions = 64;
  std::size_t messages = 1;
  std::size_t users = 100;
  std::string tls;  // its version, or empty
};

enum class Step { connect, handshake, greeting, ehlo, auth, mail, rcpt, data, message, quit, over };

struct Session {
  int fd = -1;
  std::unique_ptr<TlsLink> tls;  // null when the connection is plain
  Step step = Step::greeting;
  std::size_t left = 0;  // messages
  std::string user;
  std::string line;  // the part of a line that has come
};

// Letters in lines of 62, with the end of data.
std::string make_message() {
  const std::string body = literal_body(message_size);
  std::string text = "Subject: bench\r\n\r\n";
  for (std::size_t at = 0; text.size() + 2 < message_size; at += 62) {
    text += body.substr(at, std::min<std::size_t>(62, message_size - 2 - text.size())) + "\r\n";
  }
  return text + ".\r\n";
}

std::string base64(std::string_view text) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, text.size() - at);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < count ? static_cast<unsigned char>(text[at + i]) : 0u);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out += i <= count ? letters[bits >> (18 - 6 * i) & 63] : '=';
    }
  }
  return out;
}

class Driver {
 public:
  explicit Driver(Options options)
      : options_(std::move(options)), epoll_(check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    if (!options_.tls.empty()) tls_ = std::make_unique<TlsClient>(options_.tls, false);
  }

  void work();
  void report(const char* what, double seconds) const;

 private:
  void open_one();
  void wait_for_events();
  void on_event(Session& session);
  bool start_tls(Session& session);
  bool shake_hands(Session& session);
  bool read(Session& session);
  bool take(Session& session, std::string_view data);
  bool take_reply(Session& session, std::string_view line);
  bool say(Session& session, Step next, const std::string& text);
  bool next_message(Session& session);
  bool error(const Session& session, std::string_view what);
  void end_of(Session& session);

  const Options options_;
  const int epoll_;
  const std::string message_ = make_message();
  std::unique_ptr<TlsClient> tls_;
  std::vector<std::unique_ptr<Session>> sessions_;  // by descriptor
  std::size_t opened_ = 0;
  std::size_t to_send_ = 0;  // messages that no session has yet
  std::size_t pending_ = 0;  // sessions
  std::size_t done_ = 0;     // messages
  std::size_t errors_ = 0;
  std::string first_error_;
  bool stalled_ = false;
  std::string cipher_;
};

// Always false, so that a reader can end with it.
bool Driver::error(const Session& session, std::string_view what) {
  ++errors_;
  if (first_error_.empty()) first_error_ = session.user + ": " + std::string(what);
  return false;
}

bool Driver::say(Session& session, Step next, const std::string& text) {
  session.step = next;
  const ssize_t sent = session.tls ? session.tls->write(text)
                                   : send(session.fd, text.data(), text.size(), MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(text.size()) || error(session, "could not send");
}

void Driver::open_one() {
  auto session = std::make_unique<Session>();
  session->user = "user" + std::to_string(opened_++ % options_.users);
  session->left = std::min(to_send_, options_.messages);
  to_send_ -= session->left;
  session->fd = connect_to(options_.port);
  if (session->fd < 0) {
    error(*session, std::strerror(errno));
    return;
  }
  ++pending_;
  const auto slot = static_cast<std::size_t>(session->fd);
  if (sessions_.size() <= slot) sessions_.resize(slot + 1);
  if (tls_) session->step = Step::connect;
  sessions_[slot] = std::move(session);
  watch(epoll_, static_cast<int>(slot), tls_ ? EPOLLOUT : EPOLLIN, slot);
}

void Driver::wait_for_events() {
  epoll_event events[256];
  const int ready = epoll_wait(epoll_, events, 256, stalled_milliseconds);
  if (ready == 0) {
    stalled_ = true;
    errors_ += pending_;
    if (first_error_.empty()) first_error_ = "stalled: no answer for 20 seconds";
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
  session.tls = tls_->start_full(session.fd);
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
  cipher_ = session.tls->cipher();
  session.step = Step::greeting;
  return true;
}

// False when the session has ended or there was nothing to read.
bool Driver::read(Session& session) {
  static char buffer[1 << 16];
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
  if (session.step == Step::over && session.tls) tls_->finish(*session.tls);
  --pending_;
  close(session.fd);
  sessions_[static_cast<std::size_t>(session.fd)].reset();
}

// False when the session cannot go on; the error has been counted.
bool Driver::take(Session& session, std::string_view data) {
  for (std::size_t end; (end = data.find('\n')) != std::string_view::npos;) {
    session.line += data.substr(0, end);
    data.remove_prefix(end + 1);
    const std::string line = std::exchange(session.line, std::string());
    if (line.size() > 3 && line[3] == '-') continue;  // another line of this reply follows
    if (!take_reply(session, line)) return false;
  }
  session.line += data;
  return true;
}

bool Driver::take_reply(Session& session, std::string_view line) {
  const auto expects = [&](std::string_view code) { return line.substr(0, 3) == code; };
  switch (session.step) {
    case Step::greeting:
      if (!expects("220")) return error(session, line);
      return say(session, Step::ehlo, "EHLO client.example\r\n");
    case Step::ehlo: {
      if (!expects("250")) return error(session, line);
      const std::string nul(1, '\0');
      return say(session, Step::auth,
                 "AUTH PLAIN " + base64(nul + session.user + nul + "secret") + "\r\n");
    }
    case Step::auth:
      if (!expects("235")) return error(session, line);
      return next_message(session);
    case Step::mail:
      if (!expects("250")) return error(session, line);
      return say(session, Step::rcpt, "RCPT TO:<someone@example.com>\r\n");
    case Step::rcpt:
      if (!expects("250")) return error(session, line);
      return say(session, Step::data, "DATA\r\n");
    case Step::data:
      if (!expects("354")) return error(session, line);
      return say(session, Step::message, message_);
    case Step::message:
      if (!expects("250")) return error(session, line);
      ++done_;
      return next_message(session);
    case Step::quit:
      if (!expects("221")) return error(session, line);
      session.step = Step::over;
      return true;
    default:
      return error(session, line);
  }
}

bool Driver::next_message(Session& session) {
  if (session.left == 0) return say(session, Step::quit, "QUIT\r\n");
  --session.left;
  return say(session, Step::mail, "MAIL FROM:<" + session.user + "@example.com>\r\n");
}

void Driver::work() {
  to_send_ = options_.total;
  while ((to_send_ > 0 || pending_ > 0) && !stalled_ && errors_ < most_errors) {
    while (to_send_ > 0 && pending_ < options_.sessions) open_one();
    if (pending_ > 0) wait_for_events();
  }
}

void Driver::report(const char* what, double seconds) const {
  std::string error = first_error_;
  for (char& c : error) {
    if (c < ' ' || c > '~' || c == '"' || c == '\\') c = '?';
  }
  std::printf(
      "{\"what\": \"%s\", \"done\": %zu, \"errors\": %zu, \"seconds\": %.3f, \"cipher\": \"%s\", "
      "\"resumed\": 0, \"first_error\": \"%s\"}\n",
      what, done_, errors_, seconds, cipher_.c_str(), error.c_str());
  std::fflush(stdout);
}

[[noreturn]] void usage() {
  std::fprintf(stderr,
               "usage: bench_mail mails --port P [--total N] [--sessions S] [--messages M]\n"
               "                  [--users U] [--tls 1.2|1.3]\n");
  std::exit(2);
}

Options parse(int argc, char** argv) {
  Options options;
  if (argc < 4 || argc % 2 != 0 || std::string_view(argv[1]) != "mails") usage();
  for (int i = 2; i < argc; i += 2) {
    const std::string_view name = argv[i];
    const auto number = static_cast<std::size_t>(std::strtoul(argv[i + 1], nullptr, 10));
    if (name == "--port")
      options.port = parse_port(argv[i + 1]);
    else if (name == "--total")
      options.total = number;
    else if (name == "--sessions")
      options.sessions = number;
    else if (name == "--messages")
      options.messages = std::max<std::size_t>(number, 1);
    else if (name == "--users")
      options.users = std::max<std::size_t>(number, 1);
    else if (name == "--tls")
      options.tls = argv[i + 1];
    else
      usage();
  }
  if (options.port == 0 || options.sessions == 0) usage();
  if (!options.tls.empty() && options.tls != "1.2" && options.tls != "1.3") usage();
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
  driver.report("ready", 0);
  wait_for_line();
  const auto start = std::chrono::steady_clock::now();
  driver.work();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  driver.report("done", took.count());
  wait_for_line();
}
