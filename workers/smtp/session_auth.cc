#include <algorithm>
#include <utility>

#include "ipc/runtime/text.h"
#include "workers/proxy/login_policy.h"
#include "workers/proxy/mailbox.h"
#include "workers/sasl/base64.h"
#include "workers/sasl/credentials.h"
#include "workers/sasl/plain.h"
#include "workers/smtp/session.h"

namespace openmmp::smtp {

using proxy::Login;
using proxy::Proof;
using proxy::Refusal;
using proxy::Stage;

namespace {

constexpr int most_challenges = 20;
constexpr std::string_view unchecked = "454 4.7.0 Temporary failure, try again later.";

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// What the relay can check on its own: not what is bound to our end of TLS, and no certificate that
// only we have seen.
bool passes_through(const std::string& mechanism) {
  return mechanism != "EXTERNAL" && !mechanism.ends_with("-PLUS");
}

bool reveals_secret(const std::string& mechanism) {
  const auto known = sasl::from_name(mechanism);
  return known && sasl::reveals_secret(*known);
}

// Base64 or nothing; what else a client may say is no answer, and not for the relay.
bool is_response(std::string_view line) {
  return std::all_of(line.begin(), line.end(), [](char c) {
    const bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return is_letter || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
  });
}

// The name in a client's first message, as far as it is one that a log can have.
std::string name_in(std::string_view mechanism, std::string_view base64) {
  const Result<std::string> decoded = sasl::base64_decode(base64);
  if (!decoded) return {};
  const Secret message = Secret::copy_of(*decoded);
  std::string name;
  if (mechanism == "PLAIN") {
    const Result<sasl::PlainMessage> plain = sasl::parse_plain(message.reveal());
    if (plain) name = plain->authzid.empty() ? plain->authcid : plain->authzid;
  } else if (mechanism == "LOGIN") {
    name = message.reveal();
  }
  return sasl::check_name(name) ? name : std::string();
}

}  // namespace

std::vector<std::string> Session::mechanisms() const {
  std::vector<std::string> names;
  for (const sasl::Mechanism mechanism : authenticator_.offered()) {
    const bool is_external = mechanism == sasl::Mechanism::external;
    const bool is_token = mechanism == sasl::Mechanism::xoauth2 ||
                          mechanism == sasl::Mechanism::oauthbearer;  // nobody here checks these
    if (is_external || (settings().pre_auth && !is_token)) names.emplace_back(name_of(mechanism));
  }
  if (settings().pre_auth || !relay_) return names;
  for (const std::string& mechanism : relay_->extensions.mechanisms) {
    if (!passes_through(mechanism)) continue;
    if (reveals_secret(mechanism) && !authenticator_.takes_passwords()) continue;
    names.push_back(mechanism);
  }
  return names;
}

std::string Session::objection_to_auth() const {
  if (!greeted_ || !facts_.extended || !relay_) return "503 5.5.1 EHLO comes first.";
  if (authenticated_) return "503 5.5.1 You have logged in already.";
  if (transaction_.begun()) return "503 5.5.1 Not while a message is under way.";
  return {};
}

std::string Session::objection_to_mechanism(std::string_view mechanism) const {
  if (contains(mechanisms(), mechanism)) return {};
  const bool in_clear = reveals_secret(std::string(mechanism)) && !authenticator_.takes_passwords();
  if (!in_clear) return "504 5.5.4 Unsupported authentication mechanism.";
  return authenticator_.offers_tls() ? "530 5.7.0 Must issue a STARTTLS command first."
                                     : "538 5.7.11 Encryption is required.";
}

Task<> Session::authenticate(const Command& command) {
  std::string objection = objection_to_auth();
  Result<AuthCommand> auth = parse_auth(command);
  drop_line();
  if (objection.empty() && !auth) objection = auth.error().detail;
  if (objection.empty()) objection = objection_to_mechanism(auth->mechanism);
  if (!objection.empty()) {
    if (auth && auth->initial) wipe(*auth->initial);
    co_return reply_bad(objection);
  }
  co_await flush();
  // The relay has let us in as the user of the POP login already.
  if (pop_as_user_) {
    pop_login_.reset();
    co_await reach_relay();
  }
  if (settings().pre_auth || auth->mechanism == "EXTERNAL") {
    co_return co_await check_here(std::move(*auth));
  }
  co_await pass_auth(std::move(*auth));
}

// Nobody gets past this whose proof was not looked at: by a mechanism, by the directory, or by TLS.
Task<> Session::check_here(AuthCommand command) {
  std::optional<Secret> initial;
  if (command.initial) {
    initial = Secret::copy_of(*command.initial);
    wipe(*command.initial);
  }
  client_.deadline(settings().login_timeout, "login");
  Result<Login> login = co_await attempt(
      authenticator_.converse(std::move(command.mechanism), std::move(initial), "334 "));
  client_.rest();
  if (!login) {
    co_await refuse_proof(login.error());
    co_return;
  }
  const Result<> opened = co_await attempt(client_.while_present(open_relay_for(*login)));
  if (opened) {
    if (services_.policy.enabled()) report_login(*login, client_, context_, services_, true);
    note_login();
    co_return reply("235 2.7.0 Authentication successful.");
  }
  co_await client_.present();
  if (record_.stage == Stage::connect) co_await leave_relay(opened.error());
  const bool is_wrong = proxy::refusal_for(record_.stage, opened.error()) == Refusal::credentials;
  if (is_wrong && record_.stage != Stage::policy && services_.policy.enabled()) {
    report_login(*login, client_, context_, services_, false);
  }
  reply(is_wrong ? "535 5.7.8 Authentication failed." : unchecked);
  co_await note_failed_login(opened.error(), is_wrong);
}

// One that does not take the login. Who has been told of the client and does not want it has the
// last word.
Task<> Session::leave_relay(const Error& error) {
  if (error.code == Errc::refused) {
    const Error why = part_refused(error);
    co_await note_failed_login(why, false);
    co_await fail(why);
  }
  const bool is_told = relay_ && (relay_->waits_for_login || !facts_.login.empty());
  if (is_told) drop_relay();  // who knows what it thinks now
}

// A conversation that has led to no login, to the client if it is about the client.
Result<> Session::refuse_proof(const Error& error) {
  switch (error.code) {
    case Errc::protocol:
      reply_bad("501 5.7.0 " + one_line(error.detail));
      return {};
    case Errc::refused:
      reply("535 5.7.8 Authentication failed.");
      return {};
    case Errc::unavailable:
      reply(unchecked);
      return {};
    default:
      return fail(error);
  }
}

Task<> Session::open_relay_for(Login& login) {
  record_.begin(login.user);
  if (services_.policy.enabled()) co_await ask_policy(login, client_, context_, services_);
  record_.stage = Stage::directory;
  const directory::Route route =
      co_await find_mailbox(login, client_, context_, record_, services_);
  record_.user = route.user;
  co_await check_permission(login, route, client_, record_, context_, services_);
  const bool is_proved = record_.pre_authenticated || login.proof == Proof::checked ||
                         login.proof == Proof::certificate;
  if (!is_proved) {
    co_await fail(Errc::unavailable, "nobody here has checked the password: PreAuth is off");
  }
  if (settings().max_user_sessions > 0) {
    record_.stage = Stage::seat;
    co_await take_user_seat(route, context_, seats_, services_);
  }
  record_.stage = Stage::connect;  // whatever is wrong from here on is not the client's fault
  if (!relay_is_well()) co_await fail(Errc::unavailable, "the relay was lost");
  record_.server = relay_->name;
  const bool is_own = login.proof == Proof::password && login.actor.empty();
  const Secret* const password = is_own ? &login.password : nullptr;
  const HandedOn way = co_await hand_on_login(*relay_, facts_, route.replay_name, password,
                                              context_, shared_, services_);
  bound_ = way == HandedOn::by_password;
  if (!bound_) handed_on_ = route.replay_name;
}

// The relay's business, whatever is said.
Task<> Session::pass_auth(AuthCommand command) {
  record_.begin("?");
  record_.server = relay_->name;
  co_await authenticator_.hold_back();
  std::string line = "AUTH " + command.mechanism;
  // Only what comes first may say who it is: behind it comes the password.
  std::string unnamed = command.initial ? std::string() : command.mechanism;
  if (command.initial) {
    const std::string name = name_in(command.mechanism, *command.initial);
    if (!name.empty()) record_.user = name;
    line.reserve(line.size() + command.initial->size() + 64);
    line.append(" ").append(command.initial->empty() ? "=" : *command.initial);
    wipe(*command.initial);
  }
  Result<Answer> answer = co_await attempt(ask_relay(std::move(line)));
  if (answer) {
    const Result<> said = co_await attempt(pass_answers(std::move(unnamed), *answer));
    co_await client_.present();
    if (!said && said.error().code != Errc::unavailable) co_await fail(said.error());
    if (!said) answer = fail(said.error());
  }
  if (!answer) {
    drop_relay();
    reply("454 4.7.0 The connection to the relay was lost, try again later.");
    co_return co_await note_failed_login(answer.error(), false);
  }
  co_await conclude_auth(*answer);
}

// Challenges and answers, until the relay has decided. `unnamed` is the mechanism, unless its first
// message has been said already. Errc::unavailable: the relay is lost; other errors are the
// client's.
Task<> Session::pass_answers(std::string unnamed, Answer& answer) {
  for (int challenges = 0; answer.code == 334; ++challenges) {
    if (challenges == most_challenges) co_await fail(Errc::unavailable, "too many challenges");
    reply_all(answer.text);
    std::string line = co_await read_response();
    const std::string name = name_in(std::exchange(unnamed, {}), line);
    if (!name.empty()) record_.user = name;
    const bool is_cancelled = line == "*";
    const bool is_sound = is_cancelled || is_response(line);
    if (!is_sound) {
      wipe(line);
      line = "*";
    }
    Result<Answer> next = co_await attempt(ask_relay(std::move(line)));
    if (!next) co_await fail(Errc::unavailable, next.error().detail);
    answer = std::move(*next);
    if (is_sound && !is_cancelled) continue;
    if (answer.code < 500) co_await fail(Errc::unavailable, "it does not cancel AUTH");
    if (!is_sound) answer.text = "501 5.5.2 That is not base64.\r\n";
  }
}

// What the client says to a challenge. The caller wipes it.
Task<std::string> Session::read_response() {
  co_await flush();
  client_.deadline(settings().login_timeout, "login");
  Result<std::string> line = co_await attempt(client_.read_line(longest_auth_line));
  client_.rest();
  if (line) co_return std::move(*line);
  if (line.error().code != Errc::limit) co_return fail(line.error());
  co_return fail(part("500 5.5.6 Authentication line too long.", "line too long"));
}

Task<> Session::conclude_auth(const Answer& answer) {
  if (answer.code == 235) {
    reply_all(answer.text);
    bound_ = true;
    if (settings().max_user_sessions > 0 && record_.user != "?") {
      directory::Route route;
      route.user = context_.directory().canonical_name(record_.user);
      co_await take_user_seat(route, context_, seats_, services_);
    }
    co_return note_login();
  }
  const Error error(Errc::refused, "the relay says " + answer.summary());
  if (answer.code < 400) {
    drop_relay();
    reply(unchecked);
    co_return co_await note_failed_login(error, false);
  }
  reply_all(answer.text);
  co_await note_failed_login(error, answer.code == 535);
  if (answer.code == 421) co_await fail(Errc::closed, "the relay ends the session");
}

void Session::note_login() {
  authenticated_ = true;
  ++services_.counters.logins;
  services_.shared.login_succeeded(context_);
  log_login(context_, record_, services_.loop.now());
}

Task<> Session::note_failed_login(const Error& error, bool is_for_credentials) {
  ++services_.counters.failures;
  log_failure(context_, record_, error);
  if (is_for_credentials) services_.shared.login_failed(context_);
  if (record_.attempt < settings().max_login_attempts && !record_.last) co_return;
  co_await fail(Errc::limit, "too many failed logins");
}

}  // namespace openmmp::smtp
