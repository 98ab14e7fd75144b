#include "workers/pop3/pop3_dialect.h"

#include <utility>

#include "ipc/runtime/text.h"
#include "workers/pop3/store_login.h"
#include "workers/pop3/xclient.h"
#include "workers/proxy/dialect.h"
#include "workers/proxy/session_log.h"

namespace openmmp::pop3 {

using proxy::Login;
using proxy::Refusal;

static_assert(proxy::Dialect<Pop3Dialect>);

namespace {

// Somebody who makes more mistakes than this is no mail client: a browser, a scanner.
constexpr int max_bad_commands = 10;
constexpr size_t max_logged_name = 256;
constexpr const char* prompt = "+ ";
// RFC 3206 has no code for it.
constexpr const char* no_clear_text = "Plaintext authentication is not allowed before TLS.";

bool brings_credentials(const Command& command) {
  if (command.verb == Verb::auth) return !command.mechanism.empty();
  return command.verb == Verb::pass || command.verb == Verb::apop;
}

}  // namespace

Task<Login> Pop3Dialect::authenticate() {
  if (!std::exchange(greeted_, true)) co_await say(greeting());
  for (;;) {
    Command command = co_await read_command();
    if (!brings_credentials(command)) {
      co_await answer(std::move(command));
      continue;
    }
    Result<Login> login = co_await attempt(take_credentials(std::move(command)));
    if (login) {
      name_ = login->user;
      co_return std::move(*login);
    }
    co_await explain(login.error());
  }
}

// The next command that can be understood; those that cannot are answered here.
Task<Command> Pop3Dialect::read_command() {
  for (;;) {
    if (++commands_ > settings_.max_commands) {
      co_await fail(Errc::limit, "too many commands before login");
    }
    std::string text = co_await client_.read_line(longest_line);
    const Secret line(std::move(text));
    if (line.reveal().size() > line_limit(verb_of(line.reveal()))) {
      co_await fail(Errc::limit, "line too long");
    }
    Result<Command> command = parse_command(line.reveal());
    if (command) co_return std::move(*command);
    co_await bad(command.error().detail);
  }
}

Task<> Pop3Dialect::answer(Command command) {
  switch (command.verb) {
    case Verb::capa:
      co_return co_await say("+OK Capability list follows\r\n" + capabilities() + '.');
    case Verb::auth:
      co_return co_await say("+OK Mechanisms follow\r\n" + mechanisms() + '.');
    case Verb::user:
      co_return co_await take_user(std::move(command));
    case Verb::stls:
      co_return co_await start_tls();
    case Verb::xclient:
      co_return co_await identify(std::move(command));
    case Verb::xqueryauth:
      co_return co_await tell_login(std::move(command));
    case Verb::noop:
      co_return co_await say("+OK");
    case Verb::quit:
      co_await say("+OK Bye.");
      co_await fail(Errc::closed, "the client quit");
      co_return;
    case Verb::later:
      co_return co_await bad("Log in first.");
    default:
      co_return co_await bad("Unknown command.");
  }
}

Task<> Pop3Dialect::take_user(Command command) {
  if (!authenticator_.takes_passwords()) co_return co_await bad(no_clear_text);
  user_ = std::move(command.user);
  co_await say("+OK password required for user " + one_line(user_));
}

// RFC 2595 section 4: nothing that was said before counts.
Task<> Pop3Dialect::start_tls() {
  if (client_.tls() != nullptr) co_return co_await bad("TLS is active already.");
  if (!authenticator_.offers_tls()) co_return co_await bad("TLS is not available here.");
  user_.clear();
  // Who says more before the handshake is no client of TLS, or somebody between us and it. No
  // answer would be sure to reach the client, and none could be told from his.
  between_ = true;
  co_await authenticator_.start_tls("+OK Begin TLS negotiation.\r\n");
  between_ = false;
}

// A proxy of ours speaks for its clients; of anybody else we know no such command.
Task<> Pop3Dialect::identify(Command command) {
  if (!authenticator_.is_trusted()) co_return co_await bad("Unknown command.");
  Result<proxy::ForwardedClient> said = parse_xclient(command.xclient);
  const Result<> believed =
      said ? authenticator_.believe(std::move(*said)) : Result<>(fail(said.error()));
  if (!believed) co_return co_await bad(believed.error().detail);
  co_await say("+OK");
}

// Who has logged in from an address, for other servers (AuthService).
Task<> Pop3Dialect::tell_login(Command command) {
  const bool answers = settings_.auth_service && settings_.auth_service_ttl > 0;
  if (!answers) co_return co_await bad("Unknown command.");
  const auto address = SocketAddress::parse(command.address, 0);
  if (!address) co_return co_await bad("Syntax: XQUERYAUTH and an IP address.");
  const std::optional<proxy::PopLogin> login = co_await authenticator_.find_login(address->ip());
  if (!login) co_return co_await say("-ERR no entry");
  co_await say("+OK " + one_line(login->user));
}

Task<Login> Pop3Dialect::take_credentials(Command command) {
  // A name counts for one PASS: after a failure the client starts again, RFC 1939 section 7.
  std::string user = std::exchange(user_, {});
  switch (command.verb) {
    case Verb::pass:
      co_return co_await take_pass(std::move(user), std::move(command.password));
    case Verb::apop:
      if (!settings_.crams) co_return fail(Errc::protocol, "APOP is not available here.");
      co_return co_await authenticator_.take_apop(std::move(command.digest));
    default:
      co_return co_await take_auth(std::move(command));
  }
}

Task<Login> Pop3Dialect::take_pass(std::string user, Secret password) {
  if (!authenticator_.takes_passwords()) co_return fail(Errc::protocol, no_clear_text);
  if (user.empty()) co_return fail(Errc::protocol, "USER comes first.");
  co_return co_await authenticator_.take_password(std::move(user), std::move(password));
}

Task<Login> Pop3Dialect::take_auth(Command command) {
  using enum proxy::Authenticator::Objection;
  const auto objection = authenticator_.objection(command.mechanism);
  if (objection == needs_tls) co_return fail(Errc::protocol, no_clear_text);
  if (objection == unknown) {
    co_return fail(Errc::protocol, "Unsupported authentication mechanism.");
  }
  co_return co_await authenticator_.converse(std::move(command.mechanism),
                                             std::move(command.initial_response), prompt);
}

// Why there was no login, to the client if it is about the client.
Task<> Pop3Dialect::explain(const Error& error) {
  switch (error.code) {
    case Errc::protocol:
      co_return co_await bad(one_line(error.detail));
    case Errc::refused:
      co_return co_await say("-ERR [AUTH] " + one_line(error.detail));
    case Errc::unavailable:
      co_return co_await refuse(Refusal::unavailable);
    default:
      co_await fail(error);
  }
}

Task<> Pop3Dialect::log_in_to(proxy::Connection& store, const proxy::StoreAccess& access) {
  StoreLogin store_login(store, access, proxy::introduce_client(client_, context_));
  Result<std::string> welcome = co_await attempt(store_login.run());
  challenge_ = store_login.take_challenge();
  welcome_ = co_await std::move(welcome);
}

Task<> Pop3Dialect::accept() { co_await say(welcome_); }

Task<> Pop3Dialect::refuse(Refusal why) {
  if (!challenge_.empty()) {
    co_await authenticator_.pass_challenge(std::exchange(challenge_, {}), prompt);
  }
  if (shows_mailbox(why)) co_return co_await show_mailbox();
  switch (why) {
    case Refusal::credentials:
      co_return co_await say("-ERR [AUTH] Authentication failed.");
    case Refusal::unavailable:
    case Refusal::held:
      co_return co_await say("-ERR [SYS/TEMP] Temporary failure, try again later.");
    case Refusal::store_down:
      co_return co_await say("-ERR [SYS/TEMP] Your mailbox is temporarily out of service.");
    case Refusal::too_many:
      co_return co_await say("-ERR [SYS/TEMP] You have too many sessions.");
  }
}

bool Pop3Dialect::shows_mailbox(Refusal why) const {
  if (!settings_.spoof_empty_mailbox && context_.spoof_message == nullptr) return false;
  return why == Refusal::store_down || (why == Refusal::held && settings_.spoof_temp_fail);
}

// In place of the user's, which is away. Whoever gives that user's name gets to see it: there is
// nobody to ask for the password.
Task<> Pop3Dialect::show_mailbox() {
  context_.log.write(LogLevel::notice, context_.id,
                     "user {} is shown a spoofed mailbox - client {}",
                     proxy::excerpt(name_, max_logged_name), context_.client_name);
  const SpoofMessage* message = nullptr;
  if (!settings_.spoof_empty_mailbox) {
    if (!shared_.spoof_message) shared_.spoof_message.emplace(*context_.spoof_message);
    message = &*shared_.spoof_message;
  }
  SpoofMailbox mailbox(message);
  co_await say("+OK Logged in.");
  while (!mailbox.has_quit()) {
    if (++commands_ > settings_.max_commands) co_await fail(Errc::limit, "too many commands");
    client_.deadline(settings_.timeout, "command");
    const std::string line = co_await client_.read_line(line_limit(Verb::later));
    co_await client_.write(mailbox.answer(line));
    if (mailbox.is_bad() && ++bad_commands_ > max_bad_commands) {
      co_await fail(Errc::limit, "too many bad commands");
    }
  }
  co_await fail(Errc::closed, "the client quit a spoofed mailbox");
}

Task<> Pop3Dialect::probe(proxy::Connection& store, const proxy::StoreAccess& access, Shared&) {
  StoreLogin store_login(store, access, proxy::ForwardedClient());
  co_await store_login.probe();
}

Task<> Pop3Dialect::farewell(const Error& error) {
  if (between_) co_return;
  switch (error.code) {
    case Errc::closed:
      co_return;
    case Errc::timeout:
      co_return co_await say("-ERR Autologout; idle for too long.");
    case Errc::limit:
      co_return co_await say("-ERR Limit reached: " + one_line(error.detail) + '.');
    case Errc::draining:
      co_return co_await say("-ERR [SYS/TEMP] The server is going down, connect again.");
    case Errc::unavailable:
      co_return co_await say("-ERR [SYS/TEMP] Temporary failure, try again later.");
    default:
      co_return co_await say("-ERR [SYS/PERM] Internal error.");
  }
}

Task<> Pop3Dialect::say(std::string text) { co_await client_.write(text + "\r\n"); }

Task<> Pop3Dialect::bad(std::string text) {
  co_await say("-ERR " + text);
  if (++bad_commands_ > max_bad_commands) co_await fail(Errc::limit, "too many bad commands");
}

std::string Pop3Dialect::greeting() const {
  std::string text = "+OK ";
  if (authenticator_.is_trusted()) text += xclient_greeting;
  text += settings_.banner.empty() ? "Messaging Multiplexor (openmmp " OPENMMP_VERSION ")"
                                   : one_line(settings_.banner);
  const std::string challenge = authenticator_.apop_challenge();
  return challenge.empty() ? text : text + ' ' + challenge;
}

// What we do and what every store of the last decades can do; a client asks again after login if
// it cares.
std::string Pop3Dialect::capabilities() const {
  std::string list = "TOP\r\nUIDL\r\n";
  if (authenticator_.offers_tls()) list += "STLS\r\n";
  if (authenticator_.takes_passwords()) list += "USER\r\n";
  const std::vector<sasl::Mechanism> offered = authenticator_.offered();
  if (!offered.empty()) list += "SASL";
  for (const sasl::Mechanism mechanism : offered) list.append(" ").append(name_of(mechanism));
  if (!offered.empty()) list += "\r\n";
  list += "RESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n";
  if (authenticator_.is_trusted()) list.append(xclient_capability).append("\r\n");
  return list + "IMPLEMENTATION openmmp\r\n";
}

std::string Pop3Dialect::mechanisms() const {
  std::string list;
  for (const sasl::Mechanism mechanism : authenticator_.offered()) {
    list.append(name_of(mechanism)).append("\r\n");
  }
  return list;
}

}  // namespace openmmp::pop3
