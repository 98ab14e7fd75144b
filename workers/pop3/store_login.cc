#include "workers/pop3/store_login.h"

#include <algorithm>

#include "ipc/runtime/text.h"
#include "workers/proxy/session_log.h"
#include "workers/sasl/credentials.h"
#include "workers/sasl/oauth.h"
#include "workers/sasl/plain.h"

namespace openmmp::pop3 {
namespace {

// What a store has against a token is the longest of what it says.
constexpr size_t max_line = 8192;
constexpr int max_capabilities = 100;
constexpr size_t max_logged = 200;
// More than a string keeps inside itself, where a move would leave its bytes behind.
constexpr size_t min_room = 64;
// RFC 5034: a longer command must be sent without its initial response.
constexpr size_t max_command = 255;

bool has_blank(std::string_view text) { return text.find(' ') != text.npos; }

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

// USER and PASS carry printable ASCII, and names without blanks (RFC 1939, section 3). The rest
// needs SASL; most stores take 8-bit characters nevertheless, blanks in names they do not.
bool fits_user_pass(std::string_view name, std::string_view password) {
  return !has_blank(name) && is_ascii(name) && is_ascii(password);
}

// In one block, so that no copy of a password is left behind.
std::string command_with(std::string_view command, std::string_view argument) {
  std::string line;
  line.reserve(std::max(command.size() + argument.size() + 2, min_room));
  line += command;
  line += argument;
  line += "\r\n";
  return line;
}

}  // namespace

Task<std::string> StoreLogin::run() {
  co_await read_greeting();
  if (access_.store.tls == proxy::StoreTls::after_greeting) co_await start_tls();
  if (needs_capabilities()) co_await ask_capabilities();
  co_await forward_client();
  access_.credentials_shown = true;
  co_await show_credentials();
  co_await answer_is_yes();
  co_return line_;
}

Task<> StoreLogin::probe() {
  co_await read_greeting();
  if (access_.store.tls == proxy::StoreTls::after_greeting) co_await start_tls();
  co_await ask_capabilities();
  // It has shown that it is well; how it parts with us is its business.
  co_await attempt(exchange("QUIT\r\n"));
}

Task<> StoreLogin::read_greeting() {
  co_await next_line();
  if (response_.status == Status::err) {
    co_await fail(Errc::unavailable, "the store greets with " + proxy::excerpt(line_, max_logged));
  }
  if (response_.status != Status::ok) co_await fail(Errc::protocol, "no POP3 greeting");
  xclient_ = offered_xclient(line_);
}

// Whatever the store announces: one that does not start TLS now is no store of ours, be it that
// somebody on the way has answered in its place.
Task<> StoreLogin::start_tls() {
  announced_in_clear_ = xclient_.has_value();
  xclient_.reset();
  co_await exchange("STLS\r\n");
  if (response_.status != Status::ok) {
    co_await fail(Errc::protocol,
                  "the store does not start TLS: it says " + proxy::excerpt(line_, max_logged));
  }
  co_await store_.upgrade(access_.store.start_tls(access_.host), std::string());
}

// A round trip that the usual login is spared. An announcement of XCLIENT that came in clear is
// not believed, but it is a reason to ask.
bool StoreLogin::needs_capabilities() const {
  const proxy::StoreCredentials& credentials = access_.credentials;
  if (credentials.token != nullptr || !credentials.actor.empty()) return true;
  const proxy::Forwarding& forwarding = access_.store.forwarding;
  if (announced_in_clear_ && forwarding.if_announced && !forwarding.in_protocol) return true;
  return !fits_user_pass(credentials.name, credentials.password->reveal());
}

// A store that does not know CAPA offers nothing.
Task<> StoreLogin::ask_capabilities() {
  co_await exchange("CAPA\r\n");
  if (response_.status != Status::ok) co_return;
  for (int lines = 0; lines < max_capabilities; ++lines) {
    const std::string capability = co_await store_.read_line(max_line);
    if (capability == ".") co_return;
    learn(capability);
  }
  co_await fail(Errc::protocol, "the store's list of capabilities has no end");
}

void StoreLogin::learn(const std::string& capability) {
  if (starts_with_ignoring_case(capability, "SASL ")) mechanisms_ = capability;
  if (const auto offer = offered_xclient(capability)) xclient_ = offer;
}

// Where it is only announced it is a courtesy, and the store's answer changes nothing. Who has
// configured it relies on it.
Task<> StoreLogin::forward_client() {
  const proxy::Forwarding& forwarding = access_.store.forwarding;
  if (!forwarding.in_protocol && !(forwarding.if_announced && xclient_)) co_return;
  const std::string line = xclient_line(client_, xclient_.value_or(XclientOffer()));
  if (line.empty()) co_return;
  co_await exchange(line + "\r\n");
  const bool refused = response_.status == Status::err && forwarding.in_protocol;
  if (refused || response_.status == Status::continuation) {
    co_await fail(Errc::protocol,
                  "the store does not take XCLIENT: " + proxy::excerpt(line_, max_logged));
  }
}

Task<> StoreLogin::show_credentials() {
  const proxy::StoreCredentials& credentials = access_.credentials;
  if (credentials.token != nullptr) co_return co_await show_token(*credentials.token);
  co_await sasl::check_credentials(credentials.name, credentials.password->reveal());
  if (!credentials.actor.empty()) co_return co_await log_in_for_user();
  co_await show_password();
}

Task<> StoreLogin::show_password() {
  const std::string& name = access_.credentials.name;
  const Secret& password = *access_.credentials.password;
  if (!fits_user_pass(name, password.reveal()) && offers("PLAIN")) {
    Secret message(sasl::plain_response(name, password.reveal()));
    co_return co_await authenticate("PLAIN", std::move(message));
  }
  if (has_blank(name)) {
    co_await fail(Errc::refused, "a name with a blank, and the store does not offer AUTH PLAIN");
  }
  co_await user_pass();
}

Task<> StoreLogin::log_in_for_user() {
  if (!offers("PLAIN")) {
    co_await fail(Errc::unavailable,
                  "the store does not offer AUTH PLAIN, which a login on a user's behalf needs");
  }
  const proxy::StoreCredentials& credentials = access_.credentials;
  Secret message(
      sasl::plain_response(credentials.name, credentials.actor, credentials.password->reveal()));
  co_await authenticate("PLAIN", std::move(message));
}

// RFC 7628 section 3.2.2: a token is refused in two steps, why, and no.
Task<> StoreLogin::show_token(const proxy::Token& token) {
  std::string mechanism(sasl::name_of(token.mechanism));
  if (!offers(mechanism)) {
    co_await fail(Errc::unavailable, "the store does not offer AUTH " + mechanism);
  }
  const std::string& name = access_.credentials.name;
  co_await sasl::check_name(name);
  Secret message(sasl::oauth_response(token.mechanism, token.message, name));
  co_await authenticate(std::move(mechanism), std::move(message));
  if (response_.status != Status::continuation) co_return;
  challenge_ = challenge_of(line_);
  if (!sasl::check_error_challenge(challenge_)) challenge_.clear();
  co_await exchange(command_with("", sasl::error_answer(token.mechanism)));
  if (response_.status == Status::ok) {
    co_await fail(Errc::protocol, "the store says yes to a token that it has refused");
  }
}

Task<> StoreLogin::user_pass() {
  co_await exchange(command_with("USER ", access_.credentials.name));
  co_await answer_is_yes();
  co_await exchange(command_with("PASS ", access_.credentials.password->reveal()));
}

// One message of ours, and the answer, which may be a challenge.
Task<> StoreLogin::authenticate(std::string mechanism, Secret message) {
  const std::string command = "AUTH " + mechanism;
  if (command.size() + 1 + message.reveal().size() + 2 <= max_command) {
    co_return co_await exchange(command_with(command + ' ', message.reveal()));
  }
  co_await exchange(command + "\r\n");
  co_await message_is_awaited();
  co_await exchange(command_with("", message.reveal()));
}

Task<> StoreLogin::exchange(std::string command) {
  // Read later, it would be taken for the answer to what the store has not seen yet.
  if (store_.has_buffered_input()) {
    wipe(command);
    co_await fail(Errc::protocol, "the store answers before it is asked");
  }
  co_await store_.write(std::move(command));
  co_await next_line();
}

Task<> StoreLogin::next_line() {
  line_ = co_await store_.read_line(max_line);
  response_ = co_await parse_response(line_);
}

bool StoreLogin::offers(std::string_view mechanism) const {
  return offers_mechanism(mechanisms_, mechanism);
}

Result<> StoreLogin::answer_is_yes() const {
  if (response_.status == Status::ok) return {};
  const Errc no = is_temporary(response_.code) ? Errc::unavailable : Errc::refused;
  return fail(response_.status == Status::err ? no : Errc::protocol,
              "the store says " + summary(response_));
}

Result<> StoreLogin::message_is_awaited() const {
  if (response_.status == Status::continuation) return {};
  if (Result<> yes = answer_is_yes(); !yes) return yes;
  return fail(Errc::protocol, "the store says yes before it has the password");
}

}  // namespace openmmp::pop3
