#include "workers/sasl/scram_message.h"

#include <algorithm>
#include <vector>

#include "ipc/runtime/text.h"
#include "workers/sasl/base64.h"
#include "workers/sasl/digest.h"

namespace openmmp::sasl {
namespace {

constexpr size_t longest_message = 8192;
constexpr size_t longest_nonce = 512;
constexpr size_t most_attributes = 16;

bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

// Each a letter, "=" and something that is not empty, divided by commas.
Result<std::vector<std::string_view>> attributes_of(std::string_view text) {
  std::vector<std::string_view> attributes;
  while (attributes.size() < most_attributes) {
    const size_t comma = text.find(',');
    const std::string_view attribute = text.substr(0, comma);
    if (attribute.size() < 3 || !is_letter(attribute[0]) || attribute[1] != '=') break;
    attributes.push_back(attribute);
    if (comma == text.npos) return attributes;
    text.remove_prefix(comma + 1);
  }
  return fail(Errc::protocol, "The SCRAM message is malformed.");
}

Result<> check_text(std::string_view message) {
  if (message.size() > longest_message) {
    return fail(Errc::protocol, "The SCRAM message is too long.");
  }
  if (message.find('\0') != message.npos || !is_utf8(message)) {
    return fail(Errc::protocol, "The SCRAM message is not UTF-8.");
  }
  return {};
}

// "m=" begins what only those who know it may go on with; there is nothing yet that we could know.
Result<> check_extensions(const std::vector<std::string_view>& attributes) {
  for (const std::string_view attribute : attributes) {
    if (attribute[0] == 'm') return fail(Errc::refused, "The SCRAM extension is not supported.");
  }
  return {};
}

Result<std::string_view> value_of(std::string_view attribute, char name) {
  if (attribute[0] != name) return fail(Errc::protocol, "The SCRAM message is malformed.");
  return attribute.substr(2);
}

Result<std::string> nonce_of(std::string_view attribute) {
  const Result<std::string_view> nonce = value_of(attribute, 'r');
  if (!nonce || !is_scram_nonce(*nonce)) return fail(Errc::protocol, "The nonce is malformed.");
  return std::string(*nonce);
}

Result<std::string> bytes_of(std::string_view attribute, char name) {
  const Result<std::string_view> text = value_of(attribute, name);
  if (!text) return fail(text.error());
  return base64_decode(*text);
}

}  // namespace

bool is_scram_nonce(std::string_view nonce) {
  return !nonce.empty() && nonce.size() <= longest_nonce &&
         std::all_of(nonce.begin(), nonce.end(),
                     [](char c) { return c > ' ' && c < '\x7f' && c != ','; });
}

Result<ScramFirst> parse_scram_first(std::string_view message) {
  if (auto good = check_text(message); !good) return fail(std::move(good.error()));
  Result<Gs2Header> gs2 = take_gs2_header(message);
  if (!gs2) return fail(std::move(gs2.error()));
  const auto attributes = attributes_of(message);
  if (!attributes) return fail(attributes.error());
  if (auto good = check_extensions(*attributes); !good) return fail(std::move(good.error()));
  if (attributes->size() < 2) return fail(Errc::protocol, "The SCRAM message is malformed.");
  const Result<std::string_view> saslname = value_of((*attributes)[0], 'n');
  if (!saslname) return fail(saslname.error());
  Result<std::string> user = decode_saslname(*saslname);
  if (!user) return fail(std::move(user.error()));
  Result<std::string> nonce = nonce_of((*attributes)[1]);
  if (!nonce) return fail(std::move(nonce.error()));
  return ScramFirst{std::move(*gs2), std::string(message), std::move(*user), std::move(*nonce)};
}

Result<ScramFinal> parse_scram_final(std::string_view message) {
  if (auto good = check_text(message); !good) return fail(std::move(good.error()));
  const auto attributes = attributes_of(message);
  if (!attributes) return fail(attributes.error());
  if (auto good = check_extensions(*attributes); !good) return fail(std::move(good.error()));
  if (attributes->size() < 3) return fail(Errc::protocol, "The SCRAM message is malformed.");
  Result<std::string> binding = bytes_of((*attributes)[0], 'c');
  if (!binding) return fail(std::move(binding.error()));
  Result<std::string> nonce = nonce_of((*attributes)[1]);
  if (!nonce) return fail(std::move(nonce.error()));
  const std::string_view last = attributes->back();
  Result<std::string> proof = bytes_of(last, 'p');
  if (!proof) return fail(std::move(proof.error()));
  if (proof->size() != sha256_size) return fail(Errc::protocol, "The proof has a wrong length.");
  const std::string_view signed_part = message.substr(0, message.size() - last.size() - 1);
  return ScramFinal{std::move(*binding), std::move(*nonce), std::string(signed_part),
                    Secret(std::move(*proof))};
}

}  // namespace openmmp::sasl
