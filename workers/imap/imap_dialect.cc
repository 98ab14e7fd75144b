#include "workers/imap/imap_dialect.h"

#include <algorithm>
#include <utility>

#include "ipc/runtime/text.h"
#include "workers/imap/client_id.h"
#include "workers/imap/syntax.h"
#include "workers/proxy/dialect.h"
#include "workers/sasl/credentials.h"

namespace openmmp::imap {

using proxy::Login;
using proxy::Refusal;

static_assert(proxy::Dialect<ImapDialect>);

namespace {

// Somebody who makes more mistakes than this is no mail client: a browser, a scanner.
constexpr int max_bad_commands = 10;
constexpr const char* prompt = "+ ";
constexpr const char* no_clear_text =
    "NO [PRIVACYREQUIRED] Plaintext authentication is not allowed before TLS.";

// RFC 5530; LIMIT is of RFC 9051's, too.
std::string refusal_text(Refusal why) {
  if (why == Refusal::credentials) return "NO [AUTHENTICATIONFAILED] Authentication failed.";
  if (why == Refusal::too_many) return "NO [LIMIT] You have too many sessions.";
  return "NO [UNAVAILABLE] Temporary failure, try again later.";
}

}  // namespace

Task<Login> ImapDialect::authenticate() {
  if (!std::exchange(greeted_, true)) co_await client_.write(greeting());
  for (;;) {
    Command command = co_await read_command();
    if (command.verb != Verb::login && command.verb != Verb::authenticate) {
      co_await answer(std::move(command));
      continue;
    }
    Result<Login> login = co_await attempt(take_credentials(std::move(command)));
    if (login) co_return std::move(*login);
    co_await explain(login.error());
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
    if (verb_of(pieces.front().reveal()) == Verb::login && !authenticator_.takes_passwords()) {
      co_await tagged(no_clear_text);
      continue;
    }
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
    const bool unwanted =
        !takes_literals(verb) || (verb == Verb::login && !authenticator_.takes_passwords());
    if (!literal || (literal->synchronising && unwanted)) co_return pieces;
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
      co_return co_await identify(std::move(command));
    case Verb::noop:
      co_return co_await tagged("OK Done.");
    case Verb::logout:
      co_return co_await log_out();
    case Verb::starttls:
      co_return co_await start_tls();
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

// A proxy of ours speaks for its clients; a client can only say about itself.
Task<> ImapDialect::identify(Command command) {
  if (authenticator_.is_trusted()) {
    Result<proxy::ForwardedClient> said = read_forwarded(command.id);
    const Result<> believed =
        said ? authenticator_.believe(std::move(*said)) : Result<>(fail(said.error()));
    if (!believed) co_return co_await bad(believed.error().detail);
  }
  client_id_ = std::move(command.id);
  co_await tagged("OK Done.", "* ID (\"name\" \"openmmp\")\r\n");
}

// RFC 3501 section 6.2.1: nothing that was said before counts.
Task<> ImapDialect::start_tls() {
  if (client_.tls() != nullptr) co_return co_await bad("TLS is active already.");
  if (!authenticator_.offers_tls()) co_return co_await bad("TLS is not available here.");
  client_id_.clear();
  co_await authenticator_.start_tls(tag_ + " OK Begin TLS negotiation now.\r\n");
}

Task<Login> ImapDialect::take_credentials(Command command) {
  if (command.verb == Verb::login) {
    co_return co_await authenticator_.take_password(std::move(command.user),
                                                    std::move(command.password));
  }
  using enum proxy::Authenticator::Objection;
  const auto objection = authenticator_.objection(command.mechanism);
  if (objection == unknown) {
    co_await tagged("NO Unsupported authentication mechanism.");
    co_return fail(Errc::protocol, std::string());
  }
  if (objection == needs_tls) {
    co_await tagged(no_clear_text);
    co_return fail(Errc::protocol, std::string());
  }
  co_return co_await authenticator_.converse(std::move(command.mechanism),
                                             std::move(command.initial_response), prompt);
}

// Why there was no login, to the client if it is about the client. Without words: it knows.
Task<> ImapDialect::explain(const Error& error) {
  switch (error.code) {
    case Errc::protocol:
      if (!error.detail.empty()) co_await bad(error.detail);
      co_return;
    case Errc::refused:
      co_return co_await tagged("NO [AUTHENTICATIONFAILED] " + error.detail);
    case Errc::unavailable:
      co_return co_await refuse(Refusal::unavailable);
    default:
      co_await fail(error);
  }
}

Task<> ImapDialect::log_in_to(proxy::Connection& store, const proxy::StoreAccess& access) {
  co_await sasl::check_name(access.credentials.name);
  StoreLogin store_login(store, access, capabilities_);
  const bool forwards = store_login.may_forward();
  if (forwards) {
    store_login.forward(forwarded_id(client_id_, proxy::introduce_client(client_, context_)));
  }
  Result<Welcome> welcome = co_await attempt(store_login.run());
  challenge_ = store_login.take_challenge();
  welcome_ = co_await std::move(welcome);
}

Task<> ImapDialect::accept() {
  std::string text;
  if (!welcome_.capability.empty()) text = "* " + welcome_.capability + "\r\n";
  co_await client_.write(text + tag_ + ' ' + welcome_.answer + "\r\n");
}

Task<> ImapDialect::refuse(Refusal why) {
  if (!challenge_.empty()) {
    co_await authenticator_.pass_challenge(std::exchange(challenge_, {}), prompt);
  }
  std::string alert;
  if (why == Refusal::store_down) {
    alert = "* NO [ALERT] " + one_line(settings_.server_down_alert) + "\r\n";
  }
  co_await tagged(refusal_text(why), std::move(alert));
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
    case Errc::protocol:
      why = "Protocol error: " + one_line(error.detail) + '.';
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

Task<> ImapDialect::probe(proxy::Connection& store, const proxy::StoreAccess& access,
                          StoreCapabilities& capabilities) {
  StoreLogin store_login(store, access, capabilities);
  co_await store_login.probe();
}

Task<> ImapDialect::tagged(std::string text, std::string before) {
  co_await client_.write(before + tag_ + ' ' + text + "\r\n");
}

Task<> ImapDialect::bad(std::string text) {
  co_await tagged("BAD " + text);
  if (++bad_commands_ > max_bad_commands) co_await fail(Errc::limit, "too many bad commands");
}

std::string ImapDialect::announcement() const {
  std::string list;
  list.reserve(512);
  list += settings_.capability.empty()
              ? capabilities_.announcement()
              : imap::announcement(Capabilities::parse(settings_.capability));
  if (authenticator_.offers_tls()) list += " STARTTLS";
  if (!authenticator_.takes_passwords()) list += " LOGINDISABLED";
  for (const sasl::Mechanism mechanism : authenticator_.offered()) {
    list += " AUTH=";
    list += sasl::name_of(mechanism);
  }
  return list;
}

std::string ImapDialect::greeting() const {
  const std::string banner = settings_.banner.empty()
                                 ? "Messaging Multiplexor (openmmp " OPENMMP_VERSION ")"
                                 : one_line(settings_.banner);
  return "* OK [CAPABILITY " + announcement() + "] " + banner + "\r\n";
}

}  // namespace openmmp::imap
