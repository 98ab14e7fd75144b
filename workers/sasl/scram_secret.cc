#include "workers/sasl/scram_secret.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "ipc/runtime/check.h"
#include "ipc/runtime/text.h"
#include "workers/sasl/base64.h"
#include "workers/sasl/digest.h"

namespace openmmp::sasl {
namespace {

constexpr size_t salt_size = 16;
constexpr size_t longest_salt = 255;
constexpr size_t longest_value = 1024;

// RFC 3454, table C.1.2: what is mapped to U+0020.
constexpr std::array<std::string_view, 17> blanks = {
    "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83",
    "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89",
    "\xe2\x80\x8a", "\xe2\x80\x8b", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
};

size_t blank_at_front(std::string_view text) {
  for (const std::string_view blank : blanks) {
    if (text.starts_with(blank)) return blank.size();
  }
  return 0;
}

// U+0000 to U+001F, U+007F, and U+0080 to U+009F.
bool control_at_front(std::string_view text) {
  if (is_control(text[0])) return true;
  return text[0] == '\xc2' && text.size() > 1 && static_cast<unsigned char>(text[1]) < 0xa0;
}

Result<Secret> prepare(std::string_view password) {
  if (password.empty()) return fail(Errc::refused, "The password is empty.");
  if (!is_utf8(password)) return fail(Errc::refused, "The password is not UTF-8.");
  std::string prepared;
  prepared.reserve(password.size());  // it never grows: no copy stays behind
  Result<> good;
  while (good && !password.empty()) {
    const size_t blank = blank_at_front(password);
    if (control_at_front(password)) {
      good = fail(Errc::refused, "The password contains a control character.");
    }
    prepared += blank != 0 ? ' ' : password[0];
    password.remove_prefix(std::max<size_t>(blank, 1));
  }
  Secret secret(std::move(prepared));
  if (!good) return fail(std::move(good.error()));
  return secret;
}

bool cut_scheme(std::string_view& value) {
  for (const std::string_view scheme : {"{SCRAM-SHA-256}", "SCRAM-SHA-256$"}) {
    if (!starts_with_ignoring_case(value, scheme)) continue;
    value.remove_prefix(scheme.size());
    return true;
  }
  return false;
}

// The text before the first `mark`, which must be there.
std::optional<std::string_view> cut(std::string_view& rest, char mark) {
  const size_t end = rest.find(mark);
  if (end == rest.npos) return std::nullopt;
  const std::string_view text = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return text;
}

std::optional<int> iterations_of(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (number < fewest_iterations || number > most_iterations) return std::nullopt;
  return number;
}

std::optional<std::string> salt_of(std::string_view text) {
  Result<std::string> bytes = base64_decode(text);
  if (!bytes || bytes->empty() || bytes->size() > longest_salt) return std::nullopt;
  return std::move(*bytes);
}

std::optional<Secret> key_of(std::string_view text) {
  Result<std::string> bytes = base64_decode(text);
  if (!bytes) return std::nullopt;
  Secret key(std::move(*bytes));
  if (key.reveal().size() != sha256_size) return std::nullopt;
  return key;
}

Failure malformed(std::string_view what) {
  return fail(Errc::protocol, "The SCRAM-SHA-256 secret has " + std::string(what) + ".");
}

}  // namespace

Result<ScramSecret> parse_scram_secret(std::string_view value) {
  if (value.size() > longest_value || !cut_scheme(value)) return malformed("another form");
  // A comma is no character of base64, so it decides.
  const std::string_view marks = value.find(',') == value.npos ? ":$:" : ",,,";
  const auto number = cut(value, marks[0]);
  const auto salt_text = cut(value, marks[1]);
  const auto stored_text = cut(value, marks[2]);
  if (!number || !salt_text || !stored_text) return malformed("another form");
  const std::optional<int> iterations = iterations_of(*number);
  if (!iterations) return malformed("an iteration count below 4096 or above 1000000");
  std::optional<std::string> salt = salt_of(*salt_text);
  if (!salt) return malformed("a malformed salt");
  std::optional<Secret> stored = key_of(*stored_text);
  std::optional<Secret> server = key_of(value);
  if (!stored || !server) return malformed("a malformed key");
  return ScramSecret(*iterations, std::move(*salt), std::move(*stored), std::move(*server));
}

Result<ScramSecret> derive_scram_secret(const Secret& password, std::string_view salt,
                                        int iterations) {
  CHECK(iterations >= fewest_iterations && iterations <= most_iterations && !salt.empty());
  const Result<Secret> prepared = prepare(password.reveal());
  if (!prepared) return fail(prepared.error());
  const Secret salted(pbkdf2_sha256(prepared->reveal(), salt, iterations));
  const Secret client_key(hmac_sha256(salted.reveal(), "Client Key"));
  return ScramSecret(iterations, std::string(salt), Secret(sha256(client_key.reveal())),
                     Secret(hmac_sha256(salted.reveal(), "Server Key")));
}

std::string scram_salt_for(std::string_view user, const Secret& key) {
  return hmac_sha256(key.reveal(), "salt " + lower_case(user)).substr(0, salt_size);
}

ScramSecret fake_scram_secret(std::string_view user, const Secret& key, int iterations) {
  const std::string name = lower_case(user);
  return ScramSecret(iterations, scram_salt_for(user, key),
                     Secret(hmac_sha256(key.reveal(), "stored key " + name)),
                     Secret(hmac_sha256(key.reveal(), "server key " + name)));
}

Secret fake_password(std::string_view user, const Secret& key) {
  return Secret(hex(hmac_sha256(key.reveal(), "password " + lower_case(user))));
}

}  // namespace openmmp::sasl
