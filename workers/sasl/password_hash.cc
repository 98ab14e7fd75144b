#include "workers/sasl/password_hash.h"

#include <crypt.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "workers/sasl/base64.h"
#include "workers/sasl/digest.h"
#include "workers/sasl/stored_password.h"

namespace openmmp::sasl {
namespace {

constexpr size_t longest_salt = 64;
// What each costs at most: about five seconds, and 256 MiB for yescrypt. A larger number in a
// directory is a mistake, and a thread is lost to it.
constexpr unsigned most_sha_rounds = 5'000'000;
constexpr unsigned most_blowfish_cost = 16;
constexpr size_t most_yescrypt_cost = 15;

Failure unusable(std::string_view scheme, std::string_view why) {
  return fail(Errc::unavailable,
              fmt::format("a stored password of the scheme {{{:.32}}} {}", scheme, why));
}

struct Digest {
  std::string_view scheme;
  size_t size;
  bool salted;
  Result<std::string> (*digest)(std::string_view bytes);
};

constexpr Digest digests[] = {
    {"sha", 20, false, [](std::string_view b) { return Result<std::string>(sha1(b)); }},
    {"ssha", 20, true, [](std::string_view b) { return Result<std::string>(sha1(b)); }},
    {"sha256", 32, false, [](std::string_view b) { return Result<std::string>(sha256(b)); }},
    {"ssha256", 32, true, [](std::string_view b) { return Result<std::string>(sha256(b)); }},
    {"sha512", 64, false, [](std::string_view b) { return Result<std::string>(sha512(b)); }},
    {"ssha512", 64, true, [](std::string_view b) { return Result<std::string>(sha512(b)); }},
    {"md5", 16, false, md5},
    {"smd5", 16, true, md5},
};

const Digest* find_digest(std::string_view scheme) {
  const auto found = std::find_if(std::begin(digests), std::end(digests),
                                  [&](const Digest& d) { return d.scheme == scheme; });
  return found == std::end(digests) ? nullptr : found;
}

Result<bool> verify_digest(const Digest& kind, std::string_view value, const Secret& password) {
  const Result<std::string> bytes = base64_decode(value);
  const size_t longest = kind.size + (kind.salted ? longest_salt : 0);
  if (!bytes || bytes->size() < kind.size || bytes->size() > longest) {
    return unusable(kind.scheme, "is malformed");
  }
  const std::string_view salt = std::string_view(*bytes).substr(kind.size);
  std::string salted;
  salted.reserve(password.reveal().size() + salt.size());  // one block, so that one wipe does
  salted.append(password.reveal()).append(salt);
  const Result<std::string> digest = kind.digest(salted);
  wipe(salted);
  if (!digest) return unusable(kind.scheme, "needs MD5, which is not available on this host");
  return equals_in_constant_time(*digest, std::string_view(*bytes).substr(0, kind.size));
}

bool is_crypt(std::string_view scheme) { return scheme == "crypt" || scheme.ends_with("-crypt"); }

std::optional<unsigned> leading_number(std::string_view text) {
  unsigned number = 0;
  const auto end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc() || read.ptr == end || *read.ptr != '$') return std::nullopt;
  return number;
}

bool is_affordable_sha(std::string_view setting) {
  constexpr std::string_view rounds = "rounds=";
  if (!setting.starts_with(rounds)) return true;
  const auto number = leading_number(setting.substr(rounds.size()));
  return number && *number <= most_sha_rounds;
}

constexpr std::string_view crypt_alphabet =
    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// "jNr$": N and r are numbers by their place in the alphabet, the cost's logarithm less one and the
// block size, of which everybody has 32 or fewer.
bool is_affordable_yescrypt(std::string_view setting) {
  constexpr size_t common_block = 31;
  return setting.size() > 3 && setting[0] == 'j' && setting[3] == '$' &&
         crypt_alphabet.find(setting[1]) <= most_yescrypt_cost &&
         crypt_alphabet.find(setting[2]) <= common_block;
}

// The methods that we let the library do, and how much of them.
bool is_affordable(std::string_view value) {
  if (value.find_first_not_of(crypt_alphabet) == value.npos) return value.size() == 13;  // DES
  const std::string_view method = value.substr(0, value.find('$', 1) + 1);
  const std::string_view setting = value.substr(method.size());
  if (method == "$1$") return true;
  if (method == "$y$") return is_affordable_yescrypt(setting);
  if (method == "$5$" || method == "$6$") return is_affordable_sha(setting);
  const bool is_blowfish = method == "$2a$" || method == "$2b$" || method == "$2y$";
  const auto cost = leading_number(setting);
  return is_blowfish && cost && *cost <= most_blowfish_cost;
}

Result<bool> verify_crypt(std::string_view scheme, const Secret& value, const Secret& password) {
  // Neither has a NUL in it in truth, and crypt(3) would stop there.
  if (password.reveal().find('\0') != std::string_view::npos) return false;
  if (password.reveal().size() >= CRYPT_MAX_PASSPHRASE_SIZE) return false;
  if (value.reveal().find('\0') != std::string_view::npos || !is_affordable(value.reveal())) {
    return unusable(scheme, "is none that is known, or too costly");
  }
  std::string work(sizeof(crypt_data), '\0');
  const char* hash = crypt_rn(password.reveal_string().c_str(), value.reveal_string().c_str(),
                              work.data(), static_cast<int>(work.size()));
  const bool done = hash != nullptr;
  const bool right = done && equals_in_constant_time(hash, value.reveal());
  wipe(work);
  if (!done) return unusable(scheme, "is malformed, or this host does not have its method");
  return right;
}

Result<bool> verify_opaque(const OpaquePassword& stored, const Secret& password) {
  // An empty value: nobody's password.
  if (stored.value.empty()) return false;
  if (const Digest* kind = find_digest(stored.scheme)) {
    return verify_digest(*kind, stored.value.reveal(), password);
  }
  if (is_crypt(stored.scheme)) return verify_crypt(stored.scheme, stored.value, password);
  return unusable(stored.scheme, "cannot be checked");
}

bool verify_scram(const ScramSecret& stored, const Secret& password) {
  const auto derived = derive_scram_secret(password, stored.salt, stored.iterations);
  return derived &&
         equals_in_constant_time(derived->stored_key.reveal(), stored.stored_key.reveal());
}

}  // namespace

Result<bool> verify_password(std::string_view stored, const Secret& password) {
  if (password.empty()) return false;
  const StoredPassword known = classify_password(stored);
  if (const auto* clear = std::get_if<ClearPassword>(&known)) {
    return clear->text.equals(password.reveal());
  }
  if (const auto* scram = std::get_if<ScramSecret>(&known)) return verify_scram(*scram, password);
  return verify_opaque(std::get<OpaquePassword>(known), password);
}

bool is_slow(std::string_view stored) {
  const StoredPassword known = classify_password(stored);
  const auto* opaque = std::get_if<OpaquePassword>(&known);
  return std::holds_alternative<ScramSecret>(known) || (opaque && is_crypt(opaque->scheme));
}

}  // namespace openmmp::sasl
