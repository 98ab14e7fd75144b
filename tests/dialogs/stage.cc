#include "tests/dialogs/stage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "config/config.h"
#include "ipc/runtime/socket.h"

namespace openmmp::dialogs {

namespace {

constexpr int max_idle_turns = 1000;  // of 10 ms each
constexpr int turns_to_notice = 20;

UniqueFd file_with(std::string_view text) {
  UniqueFd file(::memfd_create("dialog", MFD_CLOEXEC));
  CHECK(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

UniqueFd listen_somewhere() {
  for (uint16_t port = static_cast<uint16_t>(20000 + ::getpid() % 9000); port < 32000; ++port) {
    Result<UniqueFd> listener = listen_tcp(*SocketAddress::parse("127.0.0.1", port));
    if (listener) return std::move(*listener);
  }
  CHECK(false && "no free port");
}

// A port that nobody else takes and nobody listens on.
UniqueFd bind_somewhere() {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  for (uint16_t port = static_cast<uint16_t>(11000 + ::getpid() % 8000); port < 20000; ++port) {
    const SocketAddress address = *SocketAddress::parse("127.0.0.1", port);
    if (::bind(socket.get(), address.get(), address.size()) == 0) return socket;
  }
  CHECK(false && "no free port");
}

std::string users(uint16_t store, uint16_t down) {
  const auto user = [](std::string_view uid, std::string_view hosts) {
    return fmt::format("dn: uid={0},o=example\nobjectClass: inetOrgPerson\nuid: {0}\n{1}\n", uid,
                       hosts);
  };
  const auto at = [](uint16_t port) { return fmt::format("mailHost: 127.0.0.1:{}\n", port); };
  return "dn: o=example\nobjectClass: organization\no: example\n\n" + user("joe", at(store)) +
         user("jane", at(store)) + user("down", at(down)) + user("nohost", "");
}

config::Settings settings_for(const Script& script) {
  config::Pairs pairs = {
      {"LdapUrl", "ldif:users.ldif"}, {"HostedDomains", "no"}, {"LogLevel", "7"}};
  for (const auto& setting : script.settings) pairs.push_back(setting);
  return config::settings_from(pairs);
}

}  // namespace

void Peer::open(UniqueFd socket) {
  socket_ = std::move(socket);
  ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
  ended_ = false;
  unread_.clear();
}

void Peer::shutdown() { ::shutdown(socket_.get(), SHUT_WR); }

bool Peer::pump() {
  if (!socket_) return false;
  bool moved = false;
  if (!to_send_.empty()) {
    const ssize_t sent = ::send(socket_.get(), to_send_.data(), to_send_.size(), MSG_NOSIGNAL);
    if (sent > 0) to_send_.erase(0, static_cast<size_t>(sent));
    if (sent < 0 && errno != EAGAIN) to_send_.clear();  // the proxy has gone; the steps will tell
    moved = sent != 0 && (sent > 0 || errno != EAGAIN);
  }
  std::array<char, 65536> buffer;
  const ssize_t got = ended_ ? -1 : ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got > 0) {
    unread_.append(buffer.data(), static_cast<size_t>(got));
    heard_.append(buffer.data(), static_cast<size_t>(got));
    moved = true;
  } else if (!ended_ && (got == 0 || errno != EAGAIN)) {
    ended_ = moved = true;
  }
  return moved;
}

bool Peer::take_line(std::string& line) {
  const size_t lf = unread_.find('\n');
  if (lf == std::string::npos) return false;
  line = unread_.substr(0, lf > 0 && unread_[lf - 1] == '\r' ? lf - 1 : lf);
  unread_.erase(0, lf + 1);
  return true;
}

Stage::Stage(const Script& script, MakeSession make_session)
    : script_(script),
      log_file_(file_with("")),
      log_("Dialog"),
      settings_(settings_for(script)),
      store_(listen_somewhere()),
      down_(bind_somewhere()) {
  log_.set_level(settings_.log_level);
  log_.set_file(UniqueFd(::dup(log_file_.get())));
  directory::Files files;
  files.ldif =
      file_with(users(local_address(store_.get()).port(), local_address(down_.get()).port()));
  auto directory = directory::Directory::create(loop_, settings_, log_, std::move(files));
  if (!directory) {
    failure_ = directory.error().detail;
    return;
  }
  directory_ = std::move(*directory);
  services_ = std::make_unique<proxy::Services>(loop_, log_, settings_, *directory_, uint16_t{1});
  sessions_ = std::make_unique<proxy::SessionSet>(
      loop_, [this, make = std::move(make_session)](proxy::Connection connection,
                                                    proxy::SessionContext& context) {
        return make(std::move(connection), context, *services_);
      });
  std::array<int, 2> ends;
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
  client_.open(UniqueFd(ends[0]));
  const proxy::SessionContext context(1, *SocketAddress::parse("192.0.2.1", 4711), settings_, log_);
  sessions_->start(proxy::Connection(loop_, UniqueFd(ends[1])), context);
}

Stage::~Stage() = default;

void Stage::destroy_session() {
  if (sessions_) sessions_->destroy_all();
}

void Stage::hang_up(Side side) {
  if (side == Side::backend && !backend_.is_open()) accept_backend();
  peer(side).close();
  for (int i = 0; i < turns_to_notice; ++i) {
    loop_.run_turn();
    client_.pump();
    backend_.pump();
  }
}

void Stage::accept_backend() {
  SocketAddress peer;
  Result<UniqueFd> socket = accept_tcp(store_.get(), peer);
  if (socket) backend_.open(std::move(*socket));
}

bool Stage::take_expected(const Step& step) {
  std::string line;
  if (!peer(step.side).take_line(line)) {
    if (peer(step.side).at_end()) {
      fail_at(step, "the proxy closed the connection");
    }
    return false;
  }
  if (!matches(step.text, line, bindings_)) {
    fail_at(step, fmt::format("got '{}'", line));
    return false;
  }
  return true;
}

// True when the step is done and the next one may begin.
bool Stage::perform(const Step& step) {
  Peer& actor = peer(step.side);
  if (step.side == Side::backend && (!backend_.is_open() || backend_.at_end())) {
    const bool closing =
        backend_.is_open() && (step.action == Action::closed || step.action == Action::close);
    if (!closing) accept_backend();
    if (!backend_.is_open() || (backend_.at_end() && !closing)) return false;
  }
  switch (step.action) {
    case Action::send:
      actor.say(substitute(step.text, bindings_));
      return true;
    case Action::expect:
      return take_expected(step);
    case Action::close:
      if (!actor.drained()) return false;
      actor.close();
      return true;
    case Action::shutdown:
      if (!actor.drained()) return false;
      actor.shutdown();
      return true;
    case Action::closed: {
      std::string line;
      if (actor.take_line(line)) fail_at(step, fmt::format("got '{}'", line));
      return actor.at_end();
    }
    case Action::never:
      break;
  }
  return true;
}

void Stage::fail_at(const Step& step, std::string why) {
  failure_ = fmt::format(
      "line {}: expected '{}': {}\n--- client heard\n{}--- store heard\n{}"
      "--- log\n{}",
      step.line, step.text, why, client_.heard(), backend_.heard(), log_text());
}

bool Stage::turn() {
  if (!failure_.empty() || next_ == script_.steps.size()) return false;
  loop_.run_turn();
  bool moved = client_.pump();
  moved = backend_.pump() || moved;
  while (failure_.empty() && next_ < script_.steps.size() && perform(script_.steps[next_])) {
    ++next_;
    moved = true;
  }
  if (moved) {
    ++turns_;
    idle_turns_ = 0;
    return true;
  }
  // Nothing to do but to wait for a deadline of the proxy's or for the kernel.
  if (++idle_turns_ > max_idle_turns) fail_at(script_.steps[next_], "nothing came");
  ::poll(nullptr, 0, idle_turns_ < 50 ? 0 : 10);
  return true;
}

std::string Stage::log_text() const {
  std::string text;
  std::array<char, 4096> buffer;
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(log_file_.get(), buffer.data(), buffer.size(), at);
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<size_t>(got));
    at += got;
  }
}

std::string Stage::verdict() {
  client_.close();
  backend_.close();
  for (int i = 0; i < max_idle_turns && sessions_->size() > 0; ++i) {
    loop_.run_turn();
    accept_backend();  // what is still in the listener's queue is gone too
    backend_.close();
    ::poll(nullptr, 0, i < 50 ? 0 : 10);
  }
  if (sessions_->size() > 0) return "the session does not end when both peers have gone";
  loop_.run_turn();
  log_.flush();
  const std::string log = log_text();
  for (const Step& step : script_.never) {
    const std::string& text = step.side == Side::log ? log : peer(step.side).heard();
    if (text.find(step.text) != std::string::npos) {
      return fmt::format("line {}: '{}' was said:\n{}", step.line, step.text, text);
    }
  }
  for (const Step& step : script_.logged) {
    if (!matches("*" + step.text + "*", log, bindings_)) {
      return fmt::format("line {}: '{}' is not in the log:\n{}", step.line, step.text, log);
    }
  }
  return "";
}

}  // namespace openmmp::dialogs
