#include "workers/imap/imap_dialect.h"

#include <algorithm>
#include <utility>

#include "ipc/runtime/text.h"
#include "workers/imap/syntax.h"
#include "workers/proxy/dialect.h"
#include "workers/proxy/session_log.h"
#include "workers/sasl/credentials.h"
#include "workers/sasl/plain.h"

namespace openmmp::imap {

using proxy::Login;
using proxy::Refusal;

static_assert(proxy::Dialect<ImapDialect>);

namespace {

// Somebody who makes more mistakes than this is no mail client: a browser, a scanner.
constexpr int max_bad_commands = 10;
constexpr size_t max_response = 16384;

}  // namespace

Task<Login> ImapDialect::authenticate() {
  if (!std::exchange(greeted_, true)) co_await client_.write(greeting());
  for (;;) {
    Command command = co_await read_command();
    std::optional<Login> login;
    if (command.verb == Verb::login) {
      login = co_await take_login(std::move(command));
    } else if (command.verb == Verb::authenticate) {
      login = co_await take_plain(std::move(command));
    } else {
      co_await answer(std::move(command));
    }
    if (login) co_return std::move(*login);
  }
}

// The next command that can be understood; those that cannot are answered here.
Task<Command> ImapDialect::read_command() {
  for (;;) {
    if (++commands_ > settings_.max_commands) {
      co_await fail(Errc::limit, "too many commands before login");
    }
    const Pieces pieces = co_await read_pieces();
    if (pieces.empty()) continue;
    Result<Command> command = parse_command(pieces);
    if (command) co_return std::move(*command);
    co_await bad(command.error().detail);
  }
}

// Everything up to the end of a command; nothing when it was refused on the way. Past a limit
// there is no telling commands from data any more, and the session ends.
Task<Pieces> ImapDialect::read_pieces() {
  Pieces pieces;
  Verb verb = Verb::unknown;
  size_t room = longest_line;
  for (;;) {
    std::string line = co_await client_.read_line(longest_line);
    if (pieces.empty()) {
      tag_ = reply_tag(line);
      verb = verb_of(line);
      room = command_limit(verb);
    }
    const std::optional<Literal> literal = trailing_literal(line);
    const size_t size = line.size();
    pieces.emplace_back(std::move(line));
    if (size > std::min(room, line_limit(verb))) co_await fail(Errc::limit, "line too long");
    room -= size;
    // A client that waits for our word and will not get it sends no literal.
    if (!literal || (literal->synchronising && !takes_literals(verb))) co_return pieces;
    if (!co_await read_literal(*literal, std::min(room, literal_limit), pieces)) {
      co_return Pieces();
    }
    room -= pieces.back().reveal().size();
  }
}

Task<bool> ImapDialect::read_literal(Literal literal, size_t room, Pieces& pieces) {
  if (literal.size > room) {
    if (!literal.synchronising) co_await fail(Errc::limit, "literal too large");
    co_await tagged("NO [TOOBIG] The literal is too large.");
    co_return false;
  }
  if (literal.synchronising) co_await client_.write("+ OK\r\n");
  std::string bytes = co_await client_.read_bytes(static_cast<size_t>(literal.size));
  pieces.emplace_back(std::move(bytes));
  co_return true;
}

Task<> ImapDialect::answer(Command command) {
  switch (command.verb) {
    case Verb::capability:
      co_return co_await tagged("OK Done.", "* CAPABILITY " + announcement() + "\r\n");
    case Verb::id:
      client_id_ = std::move(command.id);
      co_return co_await tagged("OK Done.", "* ID (\"name\" \"openmmp\")\r\n");
    case Verb::noop:
      co_return co_await tagged("OK Done.");
    case Verb::logout:
      co_return co_await log_out();
    case Verb::starttls:
      co_return co_await bad("TLS is not available here.");
    case Verb::later:
      co_return co_await bad("Log in first.");
    default:
      co_return co_await bad("Unknown command.");
  }
}

Task<> ImapDialect::log_out() {
  co_await tagged("OK Logged out.", "* BYE Logging out.\r\n");
  co_await fail(Errc::closed, "the client logged out");
}

Task<std::optional<Login>> ImapDialect::take_login(Command command) {
  const Result<> good = sasl::check_credentials(command.user, command.password.reveal());
  if (!good) {
    proxy::log_refused(context_, good.error());
    co_await tagged("NO [AUTHENTICATIONFAILED] " + good.error().detail);
    co_return std::optional<Login>();
  }
  co_return std::optional<Login>(Login(std::move(command.user), std::move(command.password)));
}

Task<std::optional<Login>> ImapDialect::take_plain(Command command) {
  std::optional<Login> none;
  if (!equals_ignoring_case(command.mechanism, "PLAIN")) {
    co_await tagged("NO Unsupported authentication mechanism.");
    co_return none;
  }
  Secret response;
  if (command.initial_response) {
    response = std::move(*command.initial_response);
  } else {
    co_await client_.write("+ \r\n");
    std::string line = co_await client_.read_line(max_response);
    response = Secret(std::move(line));
  }
  if (response.reveal() == "*") {
    co_await bad("Authentication cancelled.");
    co_return none;
  }
  Result<sasl::PlainMessage> plain = sasl::plain_step(response.reveal());
  if (plain) {
    co_return std::optional<Login>(Login(std::move(plain->authcid), std::move(plain->password)));
  }
  proxy::log_refused(context_, plain.error());
  if (plain.error().code == Errc::refused) {
    co_await tagged("NO [AUTHENTICATIONFAILED] " + plain.error().detail);
  } else {
    co_await bad(plain.error().detail);
  }
  co_return none;
}

Task<> ImapDialect::log_in_to(proxy::Connection& store, const std::string& replay_name,
                              const Login& login) {
  co_await sasl::check_credentials(replay_name, login.password.reveal());
  StoreLogin store_login(store, capabilities_);
  welcome_ = co_await store_login.run(replay_name, login.password);
}

Task<> ImapDialect::accept() {
  std::string text;
  if (!welcome_.capability.empty()) text = "* " + welcome_.capability + "\r\n";
  co_await client_.write(text + tag_ + ' ' + welcome_.answer + "\r\n");
}

Task<> ImapDialect::refuse(Refusal why) {
  std::string alert;
  if (why == Refusal::store_down) {
    alert = "* NO [ALERT] " + one_line(settings_.server_down_alert) + "\r\n";
  }
  const bool is_final = why == Refusal::credentials;
  co_await tagged(is_final ? "NO [AUTHENTICATIONFAILED] Authentication failed."
                           : "NO [UNAVAILABLE] Temporary failure, try again later.",
                  std::move(alert));
}

Task<> ImapDialect::farewell(const Error& error) {
  std::string why;
  switch (error.code) {
    case Errc::closed:
      co_return;
    case Errc::timeout:
      why = "Autologout; idle for too long.";
      break;
    case Errc::limit:
      why = "Limit reached: " + one_line(error.detail) + '.';
      break;
    case Errc::draining:
      why = "The server is going down, connect again.";
      break;
    case Errc::unavailable:
      why = "[UNAVAILABLE] Temporary failure, try again later.";
      break;
    default:
      why = "Internal error.";
  }
  co_await client_.write("* BYE " + why + "\r\n");
}

Task<> ImapDialect::tagged(std::string text, std::string before) {
  co_await client_.write(before + tag_ + ' ' + text + "\r\n");
}

Task<> ImapDialect::bad(std::string text) {
  co_await tagged("BAD " + text);
  if (++bad_commands_ > max_bad_commands) co_await fail(Errc::limit, "too many bad commands");
}

std::string ImapDialect::announcement() const {
  if (settings_.capability.empty()) return capabilities_.announcement();
  return imap::announcement(Capabilities::parse(settings_.capability));
}

std::string ImapDialect::greeting() const {
  const std::string banner = settings_.banner.empty()
                                 ? "Messaging Multiplexor (openmmp " OPENMMP_VERSION ")"
                                 : one_line(settings_.banner);
  return "* OK [CAPABILITY " + announcement() + "] " + banner + "\r\n";
}

}  // namespace openmmp::imap
