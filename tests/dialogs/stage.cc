#include "tests/dialogs/stage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <sstream>
#include <tuple>

#include "config/config.h"
#include "ipc/handover.h"
#include "ipc/runtime/network.h"
#include "ipc/runtime/socket.h"
#include "tests/dialogs/certificates.h"
#include "tests/dialogs/proofs.h"
#include "workers/sasl/base64.h"
#include "workers/sasl/scram_secret.h"

namespace openmmp::dialogs {

namespace {

constexpr int max_idle_turns = 1000;  // of 10 ms each
constexpr int turns_to_notice = 20;
constexpr int turns_of_pause = 5;
constexpr int plenty_of_seats = 1000;

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

uint16_t port_of(const UniqueFd& socket) { return local_address(socket.get()).port(); }

// A port that nobody else takes and nobody listens on.
UniqueFd bind_somewhere() {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  for (uint16_t port = static_cast<uint16_t>(11000 + ::getpid() % 8000); port < 20000; ++port) {
    const SocketAddress address = *SocketAddress::parse("127.0.0.1", port);
    if (::bind(socket.get(), address.get(), address.size()) == 0) return socket;
  }
  CHECK(false && "no free port");
}

// Two ends of one connection, ours first; of TCP, because a session tells where it was reached.
std::pair<UniqueFd, UniqueFd> connected_pair() {
  const UniqueFd listener = listen_somewhere();
  Result<UniqueFd> ours = start_connect(local_address(listener.get()));
  pollfd arrival = {listener.get(), POLLIN, 0};
  CHECK(ours && ::poll(&arrival, 1, 1000) == 1);
  SocketAddress peer;
  Result<UniqueFd> theirs = accept_tcp(listener.get(), peer);
  CHECK(theirs);
  return {std::move(*ours), std::move(*theirs)};
}

// What a directory keeps that does not keep passwords.
std::string scram_secret() {
  const std::string salt = "salt of the test";
  const auto made = sasl::derive_scram_secret(Secret("secret"), salt, sasl::fewest_iterations);
  CHECK(made);
  return fmt::format("{{SCRAM-SHA-256}}{}:{}${}:{}", made->iterations, sasl::base64_encode(salt),
                     sasl::base64_encode(made->stored_key.reveal()),
                     sasl::base64_encode(made->server_key.reveal()));
}

constexpr std::string_view ssha_secret = "{SSHA}1G904nLkTkGWjKNnQuB/hpWXC/hzYWx0c2FsdA==";

std::string user(std::string_view uid, std::string_view password, std::string_view attributes) {
  return fmt::format(
      "dn: uid={0},o=example\nobjectClass: inetOrgPerson\nuid: {0}\nuserPassword: {1}\n{2}\n", uid,
      password, attributes);
}

std::string mail_host(uint16_t port) { return fmt::format("mailHost: 127.0.0.1:{}\n", port); }

// Users at the store whom their status or their filter may keep out.
std::string guarded_users(uint16_t store) {
  const struct {
    std::string_view uid;
    std::string_view attribute;
  } guarded[] = {
      {"hold", "mailUserStatus: hold"},
      {"disabled", "mailUserStatus: disabled"},
      {"deleted", "mailUserStatus: deleted"},
      {"overquota", "mailUserStatus: overquota"},
      {"inactive", "inetUserStatus: inactive"},
      {"removed", "inetUserStatus: removed"},
      {"denied", "mailAllowedServiceAccess: -imap,pop:ALL"},
      {"tlsonly", "mailAllowedServiceAccess: +imaps,pops:ALL"},
      {"elsewhere", "mailAllowedServiceAccess: +imap,pop:10.0.0.0/8"},
      {"misspelt", "mailAllowedServiceAccess: imap"},
      {"asking", "mailAllowedServiceAccess: +imap,pop:joe@192.0.2.1"},
  };
  std::string all;
  for (const auto& one : guarded) {
    all += user(one.uid, "secret", mail_host(store) + std::string(one.attribute) + '\n');
  }
  return all;
}

// The password of each is "secret".
std::string users(uint16_t store, uint16_t down) {
  static const std::string hashed = scram_secret();
  return "dn: o=example\nobjectClass: organization\no: example\n\n" +
         user("joe", "secret", mail_host(store)) + user("jane", hashed, mail_host(store)) +
         user("admin", "secret", mail_host(store)) + user("ssha", ssha_secret, mail_host(store)) +
         user("down", "secret", mail_host(down)) +
         user("two", "secret", mail_host(down) + mail_host(store)) + user("nohost", "secret", "") +
         guarded_users(store);
}

// SMTP relays, in the order of their turns: $relay and $relay2 are the store by two names, nobody
// listens at $down; $port is the one that the client has come to.
Bindings names_for(uint16_t store, uint16_t down, uint16_t local) {
  return {{"fingerprint", fingerprint("store")},
          {"relay", fmt::format("127.0.0.1:{}", store)},
          {"relay2", fmt::format("localhost:{}", store)},
          {"down", fmt::format("127.0.0.1:{}", down)},
          {"port", fmt::format("{}", local)}};
}

config::Pairs pairs_for(const Script& script, const Bindings& names) {
  config::Pairs pairs = {{"LdapUrl", "ldif:users.ldif"},
                         {"HostedDomains", "no"},
                         {"LogLevel", "7"},
                         {"BGPenalty", "0"},
                         {"SSLCertFile", "proxy.pem"},
                         {"SmtpRelays", names.at("relay")}};
  for (const auto& [option, value] : script.settings) {
    pairs.emplace_back(option, substitute(value, names));
  }
  return pairs;
}

std::string pem_of(const tls::CertificateText& certificate) {
  return certificate.chain + std::string(certificate.key.reveal());
}

constexpr std::string_view cert_map =
    "certmap default default\ndefault:DNComps\ndefault:FilterComps uid\n";

constexpr std::string_view spoof_message = "Subject: Please wait\r\n\r\nBack soon.\r\n..\r\n";

// The files that options name, whatever they are called.
std::vector<ipc::NamedFile> files_for(const config::Settings& settings, std::string_view users) {
  std::vector<ipc::NamedFile> files;
  const auto add = [&](const char* option, std::string_view text) {
    files.emplace_back(option, file_with(text)).path = option;
  };
  add("LdapUrl", users);
  add("SSLCertFile", pem_of(certificate_text("proxy")));
  if (!settings.cert_map_file.empty()) add("CertMapFile", cert_map);
  if (!settings.ssl_client_ca_file.empty()) add("SSLClientCaFile", authority_pem());
  if (!settings.store_ca_file.empty()) add("StoreCaFile", authority_pem());
  if (!settings.store_cert_file.empty()) add("StoreCertFile", pem_of(certificate_text("joe")));
  if (!settings.spoof_message_file.empty()) add("SpoofMessageFile", spoof_message);
  return files;
}

}  // namespace

Stage::Stage(const Script& script, MakeSession make_session, proxy::Stores::Protocol protocol,
             Calls calls)
    : script_(script),
      log_file_(file_with("")),
      log_("Dialog"),
      store_(listen_somewhere()),
      down_(bind_somewhere()),
      pairs_(pairs_for(script, names_for(port_of(store_), port_of(down_), connect_client()))),
      settings_(config::settings_from(pairs_)) {
  CHECK(calls == Calls::one_by_one || loop_.join_calls(1));
  log_.set_level(settings_.log_level);
  log_.set_file(UniqueFd(::dup(log_file_.get())));
  if (const Result<> raised = raise(protocol); !raised) {
    failure_ = raised.error().detail;
    return;
  }
  if (const Result<> taken = take_seats(); !taken) {
    failure_ = taken.error().detail;
    return;
  }
  remember_logins();
  sessions_ = std::make_unique<proxy::SessionSet>(
      loop_, [this, make = std::move(make_session)](proxy::Connection connection,
                                                    proxy::SessionContext& context) {
        return make(std::move(connection), context, *services_);
      });
  client_.open(std::move(their_end_));
  sessions_->start(proxy::Connection(loop_, std::move(our_end_)), client_context());
}

// Gives the port that the client has come to.
uint16_t Stage::connect_client() {
  std::tie(their_end_, our_end_) = connected_pair();
  return port_of(our_end_);
}

// What a worker has before its first session.
Result<> Stage::raise(const proxy::Stores::Protocol& protocol) {
  ipc::Birthright birth;
  birth.service = "Dialog";
  birth.settings = pairs_;
  birth.files = files_for(settings_, users(port_of(store_), port_of(down_)));
  auto services = proxy::make_services(loop_, log_, birth, protocol);
  if (!services) return fail(services.error());
  services_ = std::move(*services);
  return {};
}

// As an acceptor makes it; the client's port is one of SSLPorts if there are any.
proxy::SessionContext Stage::client_context() {
  const SocketAddress address = *SocketAddress::parse("192.0.2.1", 4711);
  proxy::SessionContext context(1, address, services_->domains.others(), log_);
  const auto trusted =
      Networks::parse(fmt::format("{}", fmt::join(settings_.trusted_networks, " ")));
  context.trusted = trusted && trusted->contains(address);
  context.tls_at_connect = services_->tls != nullptr && !settings_.ssl_ports.empty();
  context.spoof_message = services_->spoof_message.get();
  return context;
}

Result<> Stage::take_seats() {
  somebody_.emplace(client_context());
  for (const std::string& key : script_.taken) {
    Result<std::optional<proxy::Seat>> seat =
        services_->shared.try_seat(key, plenty_of_seats, *somebody_);
    if (!seat || !*seat) return fail(Errc::internal, "no seat of " + key);
    taken_.push_back(std::move(**seat));
  }
  return {};
}

void Stage::remember_logins() {
  for (const auto& [address, user] : script_.popped) {
    const Millis now = loop_.now();
    proxy::PopLogin login = {address, user, now, now + Seconds(900)};
    services_->shared.record_login(std::move(login));
  }
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

bool Stage::take_bytes(const Step& step) {
  std::string bytes;
  if (!peer(step.side).take_bytes(step.text.size(), bytes)) {
    if (peer(step.side).at_end()) fail_at(step, "the proxy closed the connection");
    return false;
  }
  if (bytes != step.text) fail_at(step, fmt::format("got '{}'", bytes));
  return bytes == step.text;
}

// The client's side of a handshake for the client, the server's for the store.
bool Stage::shake_hands(const Step& step) {
  Peer& actor = peer(step.side);
  if (!actor.has_tls()) {
    const std::string& certificate = certificates_[step.side == Side::client ? 0 : 1];
    actor.start_tls(step.side == Side::client
                        ? dialogs::client_context(certificate).connect({"mail.example.com", 0})
                        : store_context(certificate.empty() ? "store" : certificate).accept());
    actor.pump();
  }
  const bool failed = !actor.tls_failure().empty();
  if (step.action == Action::tls) {
    if (failed) fail_at(step, "no TLS: " + actor.tls_failure());
    return actor.handshake_done() && !failed;
  }
  if (failed && matches(step.text, actor.tls_failure(), bindings_)) return true;
  if (failed) fail_at(step, "got '" + actor.tls_failure() + "'");
  return false;
}

// The words of the step are the challenge, its name bound before, and what belongs to it.
void Stage::show_proof(const Step& step) {
  std::istringstream stream(substitute(step.text, bindings_));
  std::string challenge, who, password;
  stream >> challenge >> who >> password;
  Peer& actor = peer(step.side);
  if (step.action == Action::apop) {
    actor.say(apop_line(who, password, challenge) + "\r\n");
  } else if (step.action == Action::cram) {
    actor.say(cram_md5_line(who, password, challenge) + "\r\n");
  } else {
    std::string binding;
    if (who.starts_with("p=tls-exporter,") && actor.tls() != nullptr) {
      binding = actor.tls()->binding(tls::Binding::tls_exporter).value_or("");
    }
    const ScramProof proof = scram_proof(password, who, binding, challenge);
    bindings_["verifier"] = proof.verifier;
    actor.say(proof.line + "\r\n");
  }
}

// True when the step is done and the next one may begin.
bool Stage::perform(const Step& step) {
  Peer& actor = peer(step.side);
  if (step.action == Action::certificate) {
    certificates_[step.side == Side::client ? 0 : 1] = step.text;
    return true;
  }
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
    case Action::apop:
    case Action::cram:
    case Action::scram:
      show_proof(step);
      return true;
    case Action::drip:
      actor.say(substitute(step.text, bindings_));
      actor.slow_down();
      return true;
    case Action::certificate:
    case Action::tls:
    case Action::tls_fails:
      return shake_hands(step);
    case Action::expect:
      return take_expected(step);
    case Action::expect_bytes:
      return take_bytes(step);
    case Action::pause:
      return actor.drained() && ++pauses_ % turns_of_pause == 0;
    case Action::until:
      if (!actor.skip_to(step.text)) {
        if (actor.at_end()) fail_at(step, "the proxy closed the connection");
        return false;
      }
      return true;
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
