#include "workers/sasl/scram.h"

#include <algorithm>
#include <utility>

#include "ipc/runtime/check.h"
#include "workers/sasl/base64.h"
#include "workers/sasl/digest.h"

namespace openmmp::sasl {
namespace {

Secret exclusive_or(std::string_view a, std::string_view b) {
  std::string bytes(a);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(bytes[i] ^ b[i]);
  return Secret(std::move(bytes));
}

}  // namespace

ScramServer::ScramServer(Mechanism mechanism, std::vector<ChannelBinding> bindings)
    : mechanism_(mechanism), bindings_(std::move(bindings)) {
  CHECK(mechanism == Mechanism::scram_sha_256 || mechanism == Mechanism::scram_sha_256_plus);
}

Result<> ScramServer::take_first(std::string_view message) {
  CHECK(step_ == Step::first);
  step_ = Step::over;
  Result<ScramFirst> first = parse_scram_first(message);
  if (!first) return fail(std::move(first.error()));
  first_ = std::move(*first);
  if (auto good = choose_binding(); !good) return good;
  step_ = Step::challenge;
  return {};
}

// RFC 5802, section 6.
Result<> ScramServer::choose_binding() {
  const Gs2Header& gs2 = first_.gs2;
  const bool plus = mechanism_ == Mechanism::scram_sha_256_plus;
  if (plus != (gs2.binding == Gs2Header::Binding::used)) {
    return fail(Errc::protocol,
                "The mechanism's name and its message disagree on channel binding.");
  }
  expected_binding_ = gs2.text;
  if (gs2.binding == Gs2Header::Binding::not_offered && !bindings_.empty()) {
    return fail(Errc::refused, "Channel binding was offered, and the client did not see it.");
  }
  if (!plus) return {};
  const auto binding = std::find_if(bindings_.begin(), bindings_.end(),
                                    [&](const auto& b) { return b.type == gs2.binding_type; });
  if (binding == bindings_.end()) {
    return fail(Errc::refused, "This type of channel binding is not available.");
  }
  expected_binding_ += binding->data;
  return {};
}

const std::string& ScramServer::user() const {
  CHECK(step_ == Step::challenge);
  return first_.user;
}

const std::string& ScramServer::authzid() const {
  CHECK(step_ == Step::challenge);
  return first_.gs2.authzid;
}

std::string ScramServer::challenge(ScramSecret secret, std::string_view nonce) {
  CHECK(step_ == Step::challenge && nonce.size() >= 16 && is_scram_nonce(nonce));
  step_ = Step::final;
  nonce_ = first_.nonce;
  nonce_ += nonce;
  challenge_ = "r=" + nonce_ + ",s=" + base64_encode(secret.salt) +
               ",i=" + std::to_string(secret.iterations);
  secret_ = std::move(secret);
  return challenge_;
}

Result<std::string> ScramServer::take_final(std::string_view message) {
  CHECK(step_ == Step::final);
  step_ = Step::over;
  const Result<ScramFinal> final = parse_scram_final(message);
  Result<std::string> answer = final ? check_proof(*final) : fail(final.error());
  secret_.reset();
  return answer;
}

// RFC 5802, section 3: the client shows that it knows ClientKey, of which we have the hash.
Result<std::string> ScramServer::check_proof(const ScramFinal& final) const {
  if (!equals_in_constant_time(final.nonce, nonce_)) {
    return fail(Errc::protocol, "The nonce is not the one that was sent.");
  }
  if (!equals_in_constant_time(final.binding, expected_binding_)) {
    return fail(Errc::refused, "The channel binding does not fit this connection.");
  }
  const std::string signed_text = first_.bare + ',' + challenge_ + ',' + final.without_proof;
  const Secret signature(hmac_sha256(secret_->stored_key.reveal(), signed_text));
  const Secret client_key = exclusive_or(final.proof.reveal(), signature.reveal());
  if (!equals_in_constant_time(sha256(client_key.reveal()), secret_->stored_key.reveal())) {
    return fail(Errc::refused, "Wrong user name or password.");
  }
  return "v=" + base64_encode(hmac_sha256(secret_->server_key.reveal(), signed_text));
}

}  // namespace openmmp::sasl
