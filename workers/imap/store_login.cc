#include "workers/imap/store_login.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "workers/imap/syntax.h"
#include "workers/proxy/session_log.h"
#include "workers/sasl/credentials.h"
#include "workers/sasl/oauth.h"
#include "workers/sasl/plain.h"

namespace openmmp::imap {
namespace {

constexpr size_t max_line = 8192;
constexpr int max_lines = 100;  // of the whole login
constexpr size_t max_logged = 200;
// More than a string keeps inside itself, where a move would leave its bytes behind.
constexpr size_t min_room = 256;

}  // namespace

bool StoreLogin::may_forward() const {
  const proxy::Forwarding& forwarding = access_.store.forwarding;
  return forwarding.in_protocol || forwarding.if_announced;
}

Task<Welcome> StoreLogin::run() {
  co_await read_greeting();
  if (access_.store.tls == proxy::StoreTls::after_greeting) co_await start_tls();
  if (!offer_.anything) co_await ask_capability();
  if (offer_.id || access_.store.forwarding.in_protocol) forward_client();
  access_.credentials_shown = true;
  co_await show_credentials();
  co_await answer_is_yes();
  Welcome welcome;
  welcome.answer = reply_.text;
  // The client believes the code in the yes over everything it was told before.
  if (capability_list(reply_.code).empty()) welcome.capability = std::move(separate_capability_);
  co_return welcome;
}

Task<> StoreLogin::probe() {
  co_await read_greeting();
  if (access_.store.tls == proxy::StoreTls::after_greeting) co_await start_tls();
  co_await ask_capability();
  // It has shown that it is well; how it parts with us is its business.
  co_await attempt(log_out());
}

Task<> StoreLogin::read_greeting() {
  co_await next_line();
  if (!reply_.untagged()) co_await fail(Errc::protocol, "no IMAP greeting from the store");
  // PREAUTH would be a mailbox that nobody has shown a password for.
  if (reply_.status != Status::ok) {
    const Errc code = reply_.status == Status::bye ? Errc::unavailable : Errc::protocol;
    co_await fail(code, "the store greets with " + proxy::excerpt(reply_.text, max_logged));
  }
  // What is said in clear where TLS is wanted may be anybody's.
  if (access_.store.tls != proxy::StoreTls::after_greeting) learn(capability_list(reply_.code));
}

// Whatever the store announces: one that does not start TLS now is no store of ours, be it that
// somebody has taken the offer out of its list.
Task<> StoreLogin::start_tls() {
  start_command("STARTTLS");
  co_await send();
  co_await next_reply();
  if (reply_.continuation() || reply_.status != Status::ok) {
    co_await fail(Errc::protocol, "the store does not start TLS, it says " + summary(reply_));
  }
  co_await store_.upgrade(access_.store.start_tls(access_.host), std::string());
  separate_capability_.clear();
}

// A store that does not know the command gets a plain LOGIN.
Task<> StoreLogin::ask_capability() {
  start_command("CAPABILITY");
  co_await send();
  co_await next_reply();
  if (reply_.continuation()) co_await fail(Errc::protocol, "the store asks for what it did not");
  learn(std::exchange(separate_capability_, {}));
}

// A courtesy that costs no round trip: it goes out in front of the next command, and what the store
// answers changes nothing.
void StoreLogin::forward_client() {
  if (id_.empty()) return;
  start_command("ID " + id_);
  id_tag_ = tag_;
  append("\r\n");
}

Task<> StoreLogin::show_credentials() {
  const proxy::StoreCredentials& credentials = access_.credentials;
  if (credentials.token != nullptr) co_return co_await show_token(*credentials.token);
  if (!credentials.actor.empty()) co_return co_await log_in_for_user();
  const Secret& password = *credentials.password;
  co_await sasl::check_credentials(credentials.name, password.reveal());
  if (!offer_.login_disabled) co_return co_await log_in(credentials.name, password);
  if (!offer_.auth_plain) {
    co_await fail(Errc::unavailable, "the store offers neither LOGIN nor AUTH=PLAIN");
  }
  const Secret response(sasl::plain_response(credentials.name, password.reveal()));
  co_await authenticate("PLAIN", response);
}

// By SASL's authorization identity, or as the stores of the original's family have it, by
// PROXYAUTH.
Task<> StoreLogin::log_in_for_user() {
  const proxy::StoreCredentials& credentials = access_.credentials;
  const Secret& password = *credentials.password;
  if (offer_.auth_plain) {
    const Secret response(
        sasl::plain_response(credentials.name, credentials.actor, password.reveal()));
    co_return co_await authenticate("PLAIN", response);
  }
  if (offer_.login_disabled) {
    co_await fail(Errc::unavailable, "the store offers neither LOGIN nor AUTH=PLAIN");
  }
  co_await log_in(credentials.actor, password);
  co_await answer_is_yes();
  start_command("PROXYAUTH ");
  co_await add_string(credentials.name);
  co_await send();
  co_await next_reply();
}

Task<> StoreLogin::log_in(const std::string& name, const Secret& password) {
  start_command("LOGIN ");
  co_await add_string(name);
  append(" ");
  co_await add_string(password.reveal_string());
  co_await send();
  co_await next_reply();
}

// One message of ours, and the answer, which may be a challenge.
Task<> StoreLogin::authenticate(std::string mechanism, const Secret& response) {
  start_command("AUTHENTICATE " + mechanism);
  if (offer_.sasl_ir) {
    append(" ");
  } else {
    co_await send();
    co_await next_reply();
    co_await password_is_awaited();
  }
  append(response.reveal());
  co_await send();
  co_await next_reply();
}

// RFC 7628 section 3.2.2: a token is refused in two steps, why, and no.
Task<> StoreLogin::show_token(const proxy::Token& token) {
  const bool offered =
      token.mechanism == sasl::Mechanism::xoauth2 ? offer_.auth_xoauth2 : offer_.auth_oauthbearer;
  if (!offered) {
    co_await fail(Errc::unavailable,
                  fmt::format("the store does not offer AUTH={}", sasl::name_of(token.mechanism)));
  }
  const Secret response(
      sasl::oauth_response(token.mechanism, token.message, access_.credentials.name));
  co_await authenticate(std::string(sasl::name_of(token.mechanism)), response);
  if (!reply_.continuation()) co_return;
  challenge_ = reply_.text;
  if (!sasl::check_error_challenge(challenge_)) challenge_.clear();
  append(sasl::error_answer(token.mechanism));
  co_await send();
  co_await next_reply();
  if (reply_.status == Status::ok) {
    co_await fail(Errc::protocol, "the store takes a token that it has refused");
  }
}

// Appends an argument in the simplest form that can carry it.
Task<> StoreLogin::add_string(const std::string& text) {
  if (is_quotable(text)) {
    std::string in_quotes = quoted(text);
    append(in_quotes);
    wipe(in_quotes);
    co_return;
  }
  const bool wait = !offer_.literal_plus;
  append('{' + std::to_string(text.size()) + (wait ? "}" : "+}\r\n"));
  if (wait) {
    co_await send();
    co_await next_reply();
    co_await password_is_awaited();
  }
  append(text);
}

Task<> StoreLogin::send() {
  // Read later, it would be taken for the answer to what the store has not seen yet.
  if (store_.has_buffered_input()) {
    co_await fail(Errc::protocol, "the store answers before it is asked");
  }
  append("\r\n");
  co_await store_.write(std::exchange(out_, {}));
}

Task<> StoreLogin::log_out() {
  start_command("LOGOUT");
  co_await send();
  do {
    co_await next_line();
  } while (reply_.tag != tag_);
}

Task<> StoreLogin::next_line() {
  if (++lines_ > max_lines) co_await fail(Errc::protocol, "the store talks without an end");
  line_ = co_await store_.read_line(max_line);
  reply_ = co_await parse_response(line_);
}

// Up to a continuation or the answer with our tag. What comes in between is not for the client.
Task<> StoreLogin::next_reply() {
  for (;;) {
    co_await next_line();
    if (reply_.continuation() || reply_.tag == tag_) co_return;
    if (!id_tag_.empty() && reply_.tag == id_tag_) {
      id_tag_.clear();
      continue;
    }
    if (!reply_.untagged()) co_await fail(Errc::protocol, "the store answers what was not asked");
    if (reply_.status == Status::bye) co_await answer_is_yes();
    if (!capability_list(reply_.text).empty()) separate_capability_ = reply_.text;
  }
}

Result<> StoreLogin::answer_is_yes() const {
  if (reply_.status == Status::ok && !reply_.continuation()) return {};
  const bool not_now = reply_.status == Status::bye || is_temporary(reply_.code);
  const Errc no = not_now ? Errc::unavailable : Errc::refused;
  const bool is_no = reply_.status == Status::no || reply_.status == Status::bye;
  return fail(is_no ? no : Errc::protocol, "the store says " + summary(reply_));
}

Result<> StoreLogin::password_is_awaited() const {
  if (reply_.continuation()) return {};
  if (Result<> yes = answer_is_yes(); !yes) return yes;
  return fail(Errc::protocol, "the store says yes before it has the password");
}

void StoreLogin::learn(std::string_view list) {
  if (!capability_list(list).empty()) list = capability_list(list);
  if (list.empty()) return;
  offer_ = learnt_.learn(list);
}

void StoreLogin::start_command(std::string_view text) {
  tag_ = 'a' + std::to_string(++commands_);
  append(tag_ + ' ');
  append(text);
}

// A string that grows by itself frees its old block as it is, perhaps with a password in it.
void StoreLogin::append(std::string_view text) {
  const size_t needed = std::max(out_.size() + text.size(), min_room);
  if (needed > out_.capacity()) {
    std::string larger;
    larger.reserve(2 * needed);
    larger += out_;
    wipe(out_);
    out_ = std::move(larger);
  }
  out_ += text;
}

}  // namespace openmmp::imap
