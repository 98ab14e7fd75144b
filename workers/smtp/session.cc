#include "workers/smtp/session.h"

#include <algorithm>
#include <utility>

#include "ipc/runtime/text.h"

namespace openmmp::smtp {

using proxy::Services;
using proxy::SessionContext;

namespace {

// Somebody who makes more mistakes than this is no mail client: a browser, a scanner.
constexpr int max_bad_commands = 10;
// Answers that wait for those to commands that came with theirs.
constexpr size_t most_waiting = 16 * 1024;
// For a client that may not be reading.
constexpr Millis last_word_time = Seconds(5);

std::string first_word(std::string_view line) {
  std::string word(line.substr(0, line.find(' ')));
  for (char& c : word) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return word;
}

// The line at the beginning of `bytes`, without its end; its LF must be there.
std::string_view first_line(std::string_view bytes) {
  std::string_view line = bytes.substr(0, bytes.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

Session::Session(proxy::Connection& client, SessionContext& context, proxy::Seats& seats,
                 Shared& shared, Services& services)
    : client_(client),
      context_(context),
      seats_(seats),
      shared_(shared),
      services_(services),
      authenticator_(client, context, services) {}

Task<> Session::run() {
  out_ = greeting();
  for (;;) {
    if (!has_command()) co_await await_command();
    const Command command = parse_command(first_line(client_.buffered()));
    if (greeted_ && !relay_is_well() && needs_relay(command)) {
      co_await renew_relay();
      continue;  // the line is looked at anew: what has come since may have moved it
    }
    if (stands_alone(command)) {
      co_await take_alone(command);
    } else {
      gather();
      if (!group_.empty()) co_await exchange();
      if (std::exchange(has_go_ahead_, false)) co_await take_data();
    }
    if (out_.size() > most_waiting) co_await flush();
    co_await check_end();
  }
}

// Whether the session goes on.
Result<> Session::check_end() const {
  if (has_quit_) return fail(Errc::closed, "the client quit");
  if (commands_ > settings().max_commands) return fail(Errc::limit, "too many commands");
  if (bad_commands_ > max_bad_commands) return fail(Errc::limit, "too many bad commands");
  return {};
}

// A line that is complete and not too long; for the others somebody must wait or complain.
bool Session::has_command() const {
  const std::string_view bytes = client_.buffered();
  const size_t end = bytes.find('\n');
  return end != bytes.npos && end < line_limit(bytes);
}

Task<> Session::await_command() {
  co_await flush();
  const bool is_known = greeted_ && may_send();
  client_.deadline(is_known ? settings().timeout : settings().login_timeout, "command");
  while (!has_command()) {
    const std::string_view bytes = client_.buffered();
    if (std::min(bytes.find('\n'), bytes.size()) >= line_limit(bytes)) {
      const bool is_auth = line_limit(bytes) == longest_auth_line;
      const char* const words =
          is_auth ? "500 5.5.6 Authentication line too long." : "500 5.5.2 Line too long.";
      co_await fail(part(words, "line too long"));
    }
    co_await client_.more_input();
  }
  client_.rest();
}

bool Session::stands_alone(const Command& command) const {
  switch (command.verb) {
    case Verb::ehlo:
    case Verb::helo:
    case Verb::starttls:
    case Verb::auth:
    case Verb::bdat:
    case Verb::xclient:
      return true;
    case Verb::unknown: {
      const std::string_view line = command.line;
      if (!relay_ || std::any_of(line.begin(), line.end(), is_control)) return false;
      return lets_pass(relay_->extensions, first_word(line), settings().ehlo_keywords);
    }
    default:
      return false;
  }
}

bool Session::needs_relay(const Command& command) const {
  switch (command.verb) {
    case Verb::ehlo:
    case Verb::helo:
    case Verb::starttls:
    case Verb::xclient:
    case Verb::quit:
      return false;
    default:
      return true;
  }
}

// The command is still in the client's buffer: whoever takes it consumes its line.
Task<> Session::take_alone(const Command& command) {
  ++commands_;
  switch (command.verb) {
    case Verb::ehlo:
    case Verb::helo:
      co_return co_await say_hello(command);
    case Verb::starttls:
      co_return co_await start_tls(command);
    case Verb::auth:
      co_return co_await authenticate(command);
    case Verb::bdat:
      co_return co_await take_bdat(command);
    case Verb::xclient:
      co_return co_await take_xclient(command);
    default:
      co_return co_await pass_alone(command);
  }
}

// A repeated EHLO is a RSET (RFC 5321 section 4.1.4).
Task<> Session::say_hello(const Command& command) {
  Result<Greeting> greeting = parse_greeting(command);
  drop_line();
  if (!greeting) co_return reply_bad(greeting.error().detail);
  facts_.helo = std::move(greeting->name);
  facts_.extended = greeting->extended;
  if (greeted_ && relay_is_well()) {
    co_await reset_relay();
  } else {
    transaction_.clear();
    greeted_ = false;
    if (bound_) co_await fail(part("421 4.3.0 The connection to the relay is lost.", "relay lost"));
    co_await remember_pop_login();
    co_await reach_relay();
  }
  greeted_ = true;
  out_ += facts_.extended ? announcement() : "250 " + shared_.host_name + "\r\n";
}

// RFC 3207 section 4.2: nothing that was said before counts, on neither side.
Task<> Session::start_tls(const Command& command) {
  const bool has_argument = !command.argument.empty();
  drop_line();
  if (has_argument) co_return reply_bad("501 5.5.4 STARTTLS takes no argument.");
  if (!greeted_) co_return reply_bad("503 5.5.1 EHLO comes first.");
  if (client_.tls() != nullptr) co_return reply_bad("503 5.5.1 TLS is active already.");
  if (!authenticator_.offers_tls()) co_return reply_bad("502 5.5.1 TLS is not available here.");
  co_await flush();
  forget_client();
  // Who says more before the handshake is no client of TLS, or somebody between us and it. No
  // answer would be sure to reach the client, and none could be told from his.
  between_ = true;
  co_await authenticator_.start_tls("220 2.0.0 Begin TLS negotiation.\r\n");
  between_ = false;
}

// A proxy of ours speaks for its clients; of anybody else we know no such command.
Task<> Session::take_xclient(const Command& command) {
  if (!authenticator_.is_trusted()) {
    drop_line();
    co_return reply_bad("550 5.7.0 You are not trusted to speak for others.");
  }
  Result<XclientFacts> said = parse_xclient(command.argument);
  drop_line();
  if (!said) co_return reply_bad(said.error().detail);
  if (transaction_.begun()) co_return reply_bad("503 5.5.1 Not while a message is under way.");
  proxy::ForwardedClient client;
  client.client = said->client;
  client.local = said->local;
  const Result<> believed = authenticator_.believe(std::move(client));
  if (!believed) co_return reply_bad("550 5.7.0 " + one_line(believed.error().detail));
  if (said->client) context_.name.reset();  // another's
  if (said->name) {
    context_.name = std::make_unique<proxy::ClientName>();
    context_.name->name = std::move(*said->name);
  }
  forget_client();
  out_ += greeting();
}

// A verb of an extension that EhloKeywords lets pass: one line, one reply.
Task<> Session::pass_alone(const Command& command) {
  std::string line(command.line);
  drop_line();
  if (!may_send()) co_return reply_bad("530 5.7.0 Authentication is required.");
  Result<Answer> answer = co_await attempt(ask_relay(std::move(line)));
  if (answer && answer->code < 300) co_return reply_all(answer->text);
  if (answer && answer->code >= 400 && answer->code != 421) co_return reply_all(answer->text);
  drop_relay();
  transaction_.clear();
  reply("451 4.3.0 The relay does not go on with this command.");
}

void Session::drop_line() { client_.consume(client_.buffered().find('\n') + 1); }

void Session::reply(std::string_view text) { out_.append(text).append("\r\n"); }

void Session::reply_bad(std::string_view text) {
  reply(text);
  ++bad_commands_;
}

// What has been answered is said even when we are asked to leave: a client that does not hear of a
// message that was taken sends it again.
Task<> Session::flush() {
  if (out_.empty()) co_return;
  const Result<> present = client_.present();
  const bool is_leaving = !present && present.error().code == Errc::draining;
  if (is_leaving) client_.allow_farewell(last_word_time);
  if (!is_leaving) client_.deadline(settings().timeout, "room for an answer");
  co_await client_.write(std::exchange(out_, {}));
  client_.rest();
  if (is_leaving) co_await fail(present.error());
}

// An error that ends the session, with what the client is told.
Error Session::part(std::string_view text, std::string why) {
  reply(text);
  return Error(Errc::closed, std::move(why));
}

Task<> Session::farewell(const Error& error) {
  if (between_) co_return;
  switch (error.code) {
    case Errc::closed:
      break;
    case Errc::timeout:
      reply("421 4.4.2 " + shared_.host_name + " Timeout.");
      break;
    case Errc::limit:
      reply("421 4.7.0 Limit reached: " + one_line(error.detail) + '.');
      break;
    case Errc::draining:
      reply("421 4.3.2 The server is going down, connect again.");
      break;
    default:
      reply("421 4.3.0 Temporary failure, try again later.");
      break;
  }
  co_await flush();
  if (!has_quit_ || !relay_is_well()) co_return;
  // For its log; there is no need to wait for an answer.
  relay_->connection.deadline(last_word_time, "room for QUIT");
  co_await relay_->connection.write("QUIT\r\n");
}

std::string Session::greeting() const {
  const std::string& banner = settings().banner;
  return "220 " + shared_.host_name + " ESMTP " +
         (banner.empty() ? "Messaging Multiplexor (openmmp " OPENMMP_VERSION ")"
                         : one_line(banner)) +
         "\r\n";
}

std::string Session::user() const {
  constexpr size_t most = 256;
  if (authenticated_) return proxy::excerpt(record_.user, most);
  if (pop_claimed_ && pop_login_) return proxy::excerpt(pop_login_->user, most) + " (by POP)";
  return "nobody";
}

uint64_t Session::max_size() const {
  return static_cast<uint64_t>(settings().max_message_size) * 1024;
}

std::string Session::announcement() const {
  Announcement facts;
  facts.name = shared_.host_name;
  facts.start_tls = authenticator_.offers_tls();
  facts.mechanisms = mechanisms();
  facts.max_size = max_size();
  facts.keywords = settings().ehlo_keywords;
  if (authenticator_.is_trusted()) facts.own.emplace_back(xclient_offer);
  return announce(relay_->extensions, facts);
}

}  // namespace openmmp::smtp
