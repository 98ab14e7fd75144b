#include "workers/pop3/pop3_dialect.h"

#include <utility>

#include "ipc/runtime/text.h"
#include "workers/pop3/store_login.h"
#include "workers/proxy/dialect.h"
#include "workers/proxy/session_log.h"
#include "workers/sasl/credentials.h"
#include "workers/sasl/plain.h"

namespace openmmp::pop3 {

using proxy::Login;
using proxy::Refusal;

static_assert(proxy::Dialect<Pop3Dialect>);

namespace {

// Somebody who makes more mistakes than this is no mail client: a browser, a scanner.
constexpr int max_bad_commands = 10;

// What every store of the last decades can do; a client asks again after login if it cares.
constexpr std::string_view capabilities =
    "+OK Capability list follows\r\n"
    "TOP\r\n"
    "UIDL\r\n"
    "USER\r\n"
    "SASL PLAIN\r\n"
    "RESP-CODES\r\n"
    "AUTH-RESP-CODE\r\n"
    "PIPELINING\r\n"
    "IMPLEMENTATION openmmp\r\n"
    ".";

}  // namespace

Task<Login> Pop3Dialect::authenticate() {
  if (!std::exchange(greeted_, true)) co_await say("+OK " + banner());
  for (;;) {
    Command command = co_await read_command();
    std::optional<Login> login;
    if (command.verb == Verb::pass) {
      login = co_await take_pass(std::move(command));
    } else if (command.verb == Verb::auth) {
      login = co_await take_auth(std::move(command));
    } else {
      co_await answer(std::move(command));
    }
    if (login) co_return std::move(*login);
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
    if (line.reveal().size() > line_limit && verb_of(line.reveal()) != Verb::auth) {
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
      co_return co_await say(std::string(capabilities));
    case Verb::user:
      user_ = std::move(command.user);
      co_return co_await say("+OK password required for user " + one_line(user_));
    case Verb::noop:
      co_return co_await say("+OK");
    case Verb::quit:
      co_await say("+OK Bye.");
      co_await fail(Errc::closed, "the client quit");
      co_return;
    case Verb::stls:
      co_return co_await bad("TLS is not available here.");
    case Verb::apop:
      co_return co_await bad("APOP is not available here.");
    case Verb::later:
      co_return co_await bad("Log in first.");
    default:
      co_return co_await bad("Unknown command.");
  }
}

Task<std::optional<Login>> Pop3Dialect::take_pass(Command command) {
  // A name counts for one PASS: after a failure the client starts again, RFC 1939 section 7.
  std::string user = std::exchange(user_, {});
  if (user.empty()) {
    co_await bad("USER comes first.");
    co_return std::optional<Login>();
  }
  const Result<> good = sasl::check_credentials(user, command.password.reveal());
  if (!good) {
    proxy::log_refused(context_, good.error());
    co_await say("-ERR [AUTH] " + good.error().detail);
    co_return std::optional<Login>();
  }
  co_return std::optional<Login>(Login(std::move(user), std::move(command.password)));
}

Task<std::optional<Login>> Pop3Dialect::take_auth(Command command) {
  std::optional<Login> none;
  if (command.mechanism.empty()) {
    co_await say("+OK Mechanisms follow\r\nPLAIN\r\n.");
    co_return none;
  }
  if (!equals_ignoring_case(command.mechanism, "PLAIN")) {
    co_await bad("Unsupported authentication mechanism.");
    co_return none;
  }
  Secret response;
  if (command.initial_response) {
    response = std::move(*command.initial_response);
  } else {
    co_await say("+ ");
    std::string line = co_await client_.read_line(longest_line);
    response = Secret(std::move(line));
  }
  if (response.reveal() == "*") {
    co_await bad("Authentication cancelled.");
    co_return none;
  }
  Result<sasl::PlainMessage> plain = sasl::plain_step(response.reveal());
  if (plain) {
    user_.clear();
    co_return std::optional<Login>(Login(std::move(plain->authcid), std::move(plain->password)));
  }
  proxy::log_refused(context_, plain.error());
  if (plain.error().code == Errc::refused) {
    co_await say("-ERR [AUTH] " + plain.error().detail);
  } else {
    co_await bad(plain.error().detail);
  }
  co_return none;
}

Task<> Pop3Dialect::log_in_to(proxy::Connection& store, const std::string& replay_name,
                              const Login& login) {
  co_await sasl::check_credentials(replay_name, login.password.reveal());
  StoreLogin store_login(store);
  welcome_ = co_await store_login.run(replay_name, login.password);
}

Task<> Pop3Dialect::accept() { co_await say(welcome_); }

Task<> Pop3Dialect::refuse(Refusal why) {
  switch (why) {
    case Refusal::credentials:
      co_return co_await say("-ERR [AUTH] Authentication failed.");
    case Refusal::unavailable:
      co_return co_await say("-ERR [SYS/TEMP] Temporary failure, try again later.");
    case Refusal::store_down:
      co_return co_await say("-ERR [SYS/TEMP] Your mailbox is temporarily out of service.");
  }
}

Task<> Pop3Dialect::farewell(const Error& error) {
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

Task<> Pop3Dialect::say(std::string line) { co_await client_.write(line + "\r\n"); }

Task<> Pop3Dialect::bad(std::string text) {
  co_await say("-ERR " + text);
  if (++bad_commands_ > max_bad_commands) co_await fail(Errc::limit, "too many bad commands");
}

std::string Pop3Dialect::banner() const {
  return settings_.banner.empty() ? "Messaging Multiplexor (openmmp " OPENMMP_VERSION ")"
                                  : one_line(settings_.banner);
}

}  // namespace openmmp::pop3
