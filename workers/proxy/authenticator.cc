#include "workers/proxy/authenticator.h"

#include <unistd.h>

#include <ctime>
#include <utility>

#include "ipc/runtime/offload.h"
#include "ipc/runtime/random.h"
#include "workers/proxy/arrival.h"
#include "workers/proxy/session_log.h"
#include "workers/sasl/base64.h"
#include "workers/sasl/cram.h"
#include "workers/sasl/credentials.h"
#include "workers/sasl/external.h"
#include "workers/sasl/login.h"
#include "workers/sasl/plain.h"
#include "workers/sasl/scram.h"
#include "workers/sasl/stored_password.h"

namespace openmmp::proxy {

using sasl::Mechanism;

namespace {

// In base64 the longest message of all is a third longer, and with it a Connection's limit is near.
constexpr size_t longest_response = sasl::longest_oauth_message / 3 * 4 + 4;

// Of a message with an authorization identity: who acts is somebody else only if it says so.
Login login_for(std::string authzid, std::string authcid, Secret password) {
  if (authzid.empty() || authzid == authcid) return Login(std::move(authcid), std::move(password));
  Login login(std::move(authzid), std::move(password));
  login.actor = std::move(authcid);
  return login;
}

std::string host_name() {
  char name[256] = "localhost";
  gethostname(name, sizeof name - 1);
  return name;
}

std::string new_challenge() {
  return sasl::make_challenge(random_bytes(16).reveal(), std::time(nullptr), host_name());
}

std::vector<sasl::ChannelBinding> bindings_of(const Connection& client) {
  std::vector<sasl::ChannelBinding> bindings;
  const tls::Stream* tls = client.tls();
  if (tls == nullptr) return bindings;
  const auto add = [&](tls::Binding kind, std::string_view name) {
    std::optional<std::string> data = tls->binding(kind);
    if (!data) return;
    sasl::ChannelBinding& binding = bindings.emplace_back();
    binding.type = name;
    binding.data = std::move(*data);
  };
  add(tls::Binding::tls_exporter, sasl::tls_exporter);
  add(tls::Binding::tls_server_end_point, sasl::tls_server_end_point);
  add(tls::Binding::tls_unique, sasl::tls_unique);
  return bindings;
}

}  // namespace

bool Authenticator::takes_passwords() const {
  return !context_.settings().restrict_plain_passwords || is_private(client_, context_);
}

bool Authenticator::offers_tls() const {
  return services_.tls != nullptr && client_.tls() == nullptr;
}

bool Authenticator::has_certificate() const {
  const config::Settings& settings = context_.settings();
  if (settings.ssl_client_ca_file.empty() || settings.cert_map_file.empty()) return false;
  return client_.tls() != nullptr && client_.tls()->peer_certificate().has_value();
}

std::vector<Mechanism> Authenticator::offered() const {
  const config::Settings& settings = context_.settings();
  std::vector<Mechanism> offered;
  const auto add = [&](Mechanism mechanism) {
    if (!sasl::reveals_secret(mechanism) || takes_passwords()) offered.push_back(mechanism);
  };
  add(Mechanism::plain);
  add(Mechanism::login);
  for (const std::string& name : settings.oauth_mechanisms) add(*sasl::from_name(name));
  if (settings.crams) add(Mechanism::cram_md5);
  if (settings.scrams) {
    add(Mechanism::scram_sha_256);
    if (client_.tls() != nullptr) add(Mechanism::scram_sha_256_plus);
  }
  if (has_certificate()) add(Mechanism::external);
  return offered;
}

Authenticator::Objection Authenticator::objection(std::string_view name) const {
  const std::optional<Mechanism> mechanism = sasl::from_name(name);
  if (!mechanism) return Objection::unknown;
  for (const Mechanism one : offered()) {
    if (one == *mechanism) return Objection::none;
  }
  const bool in_clear = sasl::reveals_secret(*mechanism) && !takes_passwords();
  return in_clear ? Objection::needs_tls : Objection::unknown;
}

Task<> Authenticator::start_tls(std::string go_ahead) {
  co_await proxy::start_tls(client_, context_, *services_.tls, std::move(go_ahead));
}

Error Authenticator::noted(Error error) {
  const bool about_client = error.code == Errc::protocol || error.code == Errc::refused ||
                            error.code == Errc::unavailable;
  if (!about_client) return error;
  log_refused(context_, error);
  ++services_.counters.failures;
  if (error.code != Errc::refused) return error;
  services_.shared.login_failed(context_);
  if (++refused_ < context_.settings().max_login_attempts) return error;
  return Error(Errc::limit, "too many failed logins");
}

Seconds Authenticator::badness() const { return services_.shared.badness(context_.client); }

Task<> Authenticator::hold_back() { co_await client_.pause(badness()); }

Task<Login> Authenticator::converse(std::string mechanism, std::optional<Secret> initial,
                                    const char* prompt) {
  CHECK(objection(mechanism) == Objection::none);
  prompt_ = prompt;
  co_await hold_back();
  Result<Login> login = co_await attempt(run(*sasl::from_name(mechanism), std::move(initial)));
  if (!login) co_return fail(noted(std::move(login.error())));
  co_return std::move(*login);
}

Task<Login> Authenticator::take_password(std::string user, Secret password) {
  if (badness() > Seconds(0)) co_await hold_back();
  const Result<> good = sasl::check_credentials(user, password.reveal());
  if (!good) co_return fail(noted(good.error()));
  co_return Login(std::move(user), std::move(password));
}

Task<Login> Authenticator::run(Mechanism mechanism, std::optional<Secret> initial) {
  if (initial && !sasl::takes_initial_response(mechanism)) {
    co_return fail(Errc::protocol, "This mechanism takes no initial response.");
  }
  switch (mechanism) {
    case Mechanism::plain:
      co_return co_await plain(std::move(initial));
    case Mechanism::login:
      co_return co_await login(std::move(initial));
    case Mechanism::external:
      co_return co_await external(std::move(initial));
    case Mechanism::cram_md5:
      co_return co_await cram_md5();
    case Mechanism::scram_sha_256:
    case Mechanism::scram_sha_256_plus:
      co_return co_await scram(mechanism, std::move(initial));
    case Mechanism::xoauth2:
    case Mechanism::oauthbearer:
      co_return co_await oauth(mechanism, std::move(initial));
  }
  co_return fail(Errc::internal, "a mechanism that is none");
}

Task<Secret> Authenticator::first_message(std::optional<Secret> initial) {
  if (!initial) co_return co_await ask(std::string());
  // RFC 3501: a client may cancel with its first word, too.
  if (initial->reveal() == "*") co_return fail(Errc::protocol, "Authentication cancelled.");
  co_return co_await sasl::decode_response(initial->reveal());
}

Task<Secret> Authenticator::ask(std::string challenge) {
  co_await client_.write(prompt_ + sasl::base64_encode(challenge) + "\r\n");
  std::string line = co_await client_.read_line(longest_response);
  const Secret text(std::move(line));
  if (text.reveal() == "*") co_return fail(Errc::protocol, "Authentication cancelled.");
  co_return co_await sasl::decode_response(text.reveal());
}

Task<> Authenticator::pass_challenge(std::string base64, const char* prompt) {
  co_await client_.write(prompt + base64 + "\r\n");
  std::string line = co_await client_.read_line(longest_response);
  wipe(line);
}

Task<Login> Authenticator::plain(std::optional<Secret> initial) {
  const Secret message = co_await first_message(std::move(initial));
  sasl::PlainMessage plain = co_await sasl::parse_plain(message.reveal());
  co_return login_for(std::move(plain.authzid), std::move(plain.authcid),
                      std::move(plain.password));
}

Task<Login> Authenticator::login(std::optional<Secret> initial) {
  sasl::LoginExchange exchange;
  Secret name;
  if (initial) {
    name = co_await first_message(std::move(initial));
  } else {
    name = co_await ask(std::string(sasl::LoginExchange::name_prompt));
  }
  co_await exchange.take_name(name.reveal());
  const Secret password = co_await ask(std::string(sasl::LoginExchange::password_prompt));
  sasl::PlainMessage plain = co_await exchange.take_password(password.reveal());
  co_return Login(std::move(plain.authcid), std::move(plain.password));
}

Task<Login> Authenticator::external(std::optional<Secret> initial) {
  const Secret message = co_await first_message(std::move(initial));
  Login login;
  login.user = co_await sasl::parse_external(message.reveal());
  login.proof = Proof::certificate;
  co_return std::move(login);
}

Task<Login> Authenticator::oauth(Mechanism mechanism, std::optional<Secret> initial) {
  const Secret text = co_await first_message(std::move(initial));
  sasl::OauthMessage message = co_await sasl::parse_oauth(mechanism, text.reveal());
  Login login;
  login.user = message.user;
  login.proof = Proof::token;
  login.token = std::make_unique<Token>(mechanism, std::move(message));
  co_return std::move(login);
}

Task<std::vector<Secret>> Authenticator::find_passwords(std::string user) {
  directory::Query query(std::move(user), context_.client.ip());
  co_return co_await context_.directory().find_passwords(std::move(query));
}

// Empty when the user has none, or does not exist: no digest fits that.
Task<Secret> Authenticator::find_clear_password(std::string user) {
  Result<std::vector<Secret>> values = co_await attempt(find_passwords(std::move(user)));
  if (!values && values.error().code != Errc::refused) co_return fail(values.error());
  if (values) {
    for (const Secret& value : *values) {
      sasl::StoredPassword stored = sasl::classify_password(value.reveal());
      auto* clear = std::get_if<sasl::ClearPassword>(&stored);
      if (clear != nullptr) co_return std::move(clear->text);
    }
  }
  co_return Secret();
}

Task<Login> Authenticator::cram_md5() {
  const std::string challenge = new_challenge();
  const Secret text = co_await ask(challenge);
  sasl::DigestResponse response = co_await sasl::parse_digest_response(text.reveal());
  Secret password = co_await find_clear_password(response.user);
  co_await sasl::verify_cram_md5(challenge, response.digest, password);
  co_return Login(std::move(response.user), std::move(password));
}

std::string Authenticator::apop_challenge() {
  if (context_.settings().crams) apop_challenge_ = new_challenge();
  return apop_challenge_;
}

Task<Login> Authenticator::take_apop(Secret answer) {
  co_await hold_back();
  Result<Login> login = co_await attempt(check_apop(std::move(answer)));
  if (!login) co_return fail(noted(std::move(login.error())));
  co_return std::move(*login);
}

Task<Login> Authenticator::check_apop(Secret answer) {
  sasl::DigestResponse response = co_await sasl::parse_digest_response(answer.reveal());
  Secret password = co_await find_clear_password(response.user);
  co_await sasl::verify_apop(apop_challenge_, response.digest, password);
  co_return Login(std::move(response.user), std::move(password));
}

// What there is to check a proof with; made up for users that do not exist, in the same time.
Task<sasl::ScramSecret> Authenticator::find_scram_secret(std::string user) {
  Result<std::vector<Secret>> values = co_await attempt(find_passwords(user));
  if (!values && values.error().code != Errc::refused) co_return fail(values.error());
  const std::string canonical = context_.directory().canonical_name(user);
  const Secret& key = services_.scram.fake_key;
  Secret clear;
  if (values) {
    for (const Secret& value : *values) {
      sasl::StoredPassword stored = sasl::classify_password(value.reveal());
      if (auto* secret = std::get_if<sasl::ScramSecret>(&stored)) {
        services_.scram.iterations = secret->iterations;
        services_.scram.clear = false;
        co_return std::move(*secret);
      }
      if (auto* text = std::get_if<sasl::ClearPassword>(&stored)) clear = std::move(text->text);
    }
  }
  if (!clear.empty()) {
    services_.scram.clear = true;
  } else if (services_.scram.clear) {
    clear = sasl::fake_password(canonical, key);
  } else {
    co_return sasl::fake_scram_secret(canonical, key, services_.scram.iterations);
  }
  const std::string salt = sasl::scram_salt_for(canonical, key);
  auto derive = [password = std::move(clear), salt] {
    return sasl::derive_scram_secret(password, salt, sasl::fewest_iterations);
  };
  auto deriving = offload(services_.loop, std::move(derive));
  Result<sasl::ScramSecret> secret = co_await deriving;
  if (!secret) co_return fail(secret.error());
  co_return std::move(*secret);
}

Task<Login> Authenticator::scram(Mechanism mechanism, std::optional<Secret> initial) {
  const Secret first = co_await first_message(std::move(initial));
  sasl::ScramServer server(mechanism, bindings_of(client_));
  co_await server.take_first(first.reveal());
  // The server has them only until its challenge.
  Login login = login_for(server.authzid(), server.user(), Secret());
  login.proof = Proof::checked;
  sasl::ScramSecret secret = co_await find_scram_secret(server.user());
  const std::string nonce = sasl::base64_encode(random_bytes(18).reveal());
  const Secret final = co_await ask(server.challenge(std::move(secret), nonce));
  std::string proof_of_ours = co_await server.take_final(final.reveal());
  const Secret nothing = co_await ask(std::move(proof_of_ours));
  if (!nothing.empty()) co_return fail(Errc::protocol, "An empty response is expected.");
  co_return std::move(login);
}

}  // namespace openmmp::proxy
