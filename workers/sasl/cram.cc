#include "workers/sasl/cram.h"

#include <algorithm>

#include "ipc/runtime/check.h"
#include "workers/sasl/credentials.h"
#include "workers/sasl/digest.h"

namespace openmmp::sasl {
namespace {

constexpr size_t digest_digits = 32;

bool is_lower_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

Result<> compare(const Result<std::string>& expected, std::string_view digest,
                 const Secret& password) {
  if (!expected) return fail(expected.error());
  // Anybody knows the digest that an empty password makes.
  if (password.empty() || !equals_in_constant_time(hex(*expected), digest)) {
    return fail(Errc::refused, "Wrong user name or password.");
  }
  return {};
}

}  // namespace

std::string make_challenge(std::string_view random, int64_t unix_time, std::string_view host) {
  CHECK(random.size() >= 8);
  std::string challenge = "<" + hex(random) + '.' + std::to_string(unix_time) + '@';
  challenge += host;
  return challenge + '>';
}

Result<DigestResponse> parse_digest_response(std::string_view message) {
  const size_t blank = message.rfind(' ');
  if (blank == message.npos) return fail(Errc::protocol, "The response has no digest.");
  const std::string_view user = message.substr(0, blank);
  const std::string_view digest = message.substr(blank + 1);
  if (digest.size() != digest_digits || !std::all_of(digest.begin(), digest.end(), is_lower_hex)) {
    return fail(Errc::protocol, "The digest is not 32 hexadecimal digits in lower case.");
  }
  if (auto good = check_name(user); !good) return fail(std::move(good.error()));
  return DigestResponse{std::string(user), std::string(digest)};
}

Result<> verify_cram_md5(std::string_view challenge, std::string_view digest,
                         const Secret& password) {
  return compare(hmac_md5(password.reveal(), challenge), digest, password);
}

Result<> verify_apop(std::string_view challenge, std::string_view digest, const Secret& password) {
  std::string text;
  text.reserve(challenge.size() + password.reveal().size());
  text += challenge;
  text += password.reveal();
  const Result<std::string> expected = md5(text);
  wipe(text);
  return compare(expected, digest, password);
}

}  // namespace openmmp::sasl
