#include "tests/dialogs/proofs.h"

#include <charconv>

#include "workers/sasl/base64.h"
#include "workers/sasl/digest.h"

namespace openmmp::dialogs {

namespace {

std::string decoded(std::string_view base64) {
  const auto text = sasl::base64_decode(base64);
  return text ? *text : std::string();
}

// The value of `name` in "r=...,s=...,i=...".
std::string field(std::string_view message, char name) {
  while (!message.empty()) {
    const size_t end = std::min(message.find(','), message.size());
    const std::string_view one = message.substr(0, end);
    if (one.size() > 2 && one[0] == name && one[1] == '=') return std::string(one.substr(2));
    message.remove_prefix(std::min(end + 1, message.size()));
  }
  return {};
}

}  // namespace

std::string apop_line(std::string_view user, std::string_view password,
                      std::string_view challenge) {
  const auto digest = sasl::md5(std::string(challenge) + std::string(password));
  return "APOP " + std::string(user) + ' ' + (digest ? sasl::hex(*digest) : "");
}

std::string cram_md5_line(std::string_view user, std::string_view password,
                          std::string_view challenge64) {
  const auto digest = sasl::hmac_md5(password, decoded(challenge64));
  return sasl::base64_encode(std::string(user) + ' ' + (digest ? sasl::hex(*digest) : ""));
}

ScramProof scram_proof(std::string_view password, std::string_view first, std::string_view binding,
                       std::string_view challenge64) {
  const size_t header_end = first.find(',', first.find(',') + 1) + 1;
  const std::string header(first.substr(0, header_end));
  const std::string challenge = decoded(challenge64);
  const std::string rounds = field(challenge, 'i');
  int iterations = 1;
  std::from_chars(rounds.data(), rounds.data() + rounds.size(), iterations);
  const std::string final_bare =
      "c=" + sasl::base64_encode(header + std::string(binding)) + ",r=" + field(challenge, 'r');
  const std::string signed_text =
      std::string(first.substr(header_end)) + ',' + challenge + ',' + final_bare;
  const std::string salted =
      sasl::pbkdf2_sha256(password, decoded(field(challenge, 's')), iterations);
  std::string proof = sasl::hmac_sha256(salted, "Client Key");
  const std::string signature = sasl::hmac_sha256(sasl::sha256(proof), signed_text);
  for (size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ signature[i]);
  const std::string server =
      sasl::hmac_sha256(sasl::hmac_sha256(salted, "Server Key"), signed_text);
  return {sasl::base64_encode(final_bare + ",p=" + sasl::base64_encode(proof)),
          sasl::base64_encode("v=" + sasl::base64_encode(server))};
}

}  // namespace openmmp::dialogs
