#include "workers/sasl/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "ipc/runtime/check.h"

namespace openmmp::sasl {
namespace {

// Never null: to OpenSSL that means "none given", and an empty text is given.
const unsigned char* bytes_of(std::string_view text) {
  const void* bytes = text.empty() ? "" : text.data();
  return static_cast<const unsigned char*>(bytes);
}

unsigned char* room_of(std::string& text) {
  return static_cast<unsigned char*>(static_cast<void*>(text.data()));
}

// Empty when OpenSSL does not have it.
std::string digest(const EVP_MD* kind, std::string_view bytes) {
  std::string value(static_cast<size_t>(EVP_MD_get_size(kind)), '\0');
  if (EVP_Digest(bytes_of(bytes), bytes.size(), room_of(value), nullptr, kind, nullptr) != 1) {
    value.clear();
  }
  return value;
}

std::string hmac(const EVP_MD* kind, std::string_view key, std::string_view bytes) {
  std::string value(static_cast<size_t>(EVP_MD_get_size(kind)), '\0');
  if (HMAC(kind, bytes_of(key), static_cast<int>(key.size()), bytes_of(bytes), bytes.size(),
           room_of(value), nullptr) == nullptr) {
    value.clear();
  }
  return value;
}

Result<std::string> unless_forbidden(std::string value) {
  if (value.empty()) return fail(Errc::unavailable, "MD5 is not available on this host.");
  return value;
}

// Looked up once: OpenSSL 3 takes longer to find a digest by its name than to make a short one.
const EVP_MD* fetched_sha256() {
  static const EVP_MD* const kind = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  CHECK(kind != nullptr);
  return kind;
}

}  // namespace

std::string sha256(std::string_view bytes) {
  std::string value = digest(fetched_sha256(), bytes);
  CHECK(value.size() == sha256_size);
  return value;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string value = hmac(EVP_sha256(), key, bytes);
  CHECK(value.size() == sha256_size);
  return value;
}

std::string pbkdf2_sha256(std::string_view password, std::string_view salt, int iterations) {
  const void* text = bytes_of(password);
  std::string value(sha256_size, '\0');
  CHECK(PKCS5_PBKDF2_HMAC(static_cast<const char*>(text), static_cast<int>(password.size()),
                          bytes_of(salt), static_cast<int>(salt.size()), iterations, EVP_sha256(),
                          static_cast<int>(value.size()), room_of(value)) == 1);
  return value;
}

std::string sha1(std::string_view bytes) {
  std::string value = digest(EVP_sha1(), bytes);
  CHECK(!value.empty());
  return value;
}

std::string sha512(std::string_view bytes) {
  std::string value = digest(EVP_sha512(), bytes);
  CHECK(!value.empty());
  return value;
}

Result<std::string> md5(std::string_view bytes) {
  return unless_forbidden(digest(EVP_md5(), bytes));
}

Result<std::string> hmac_md5(std::string_view key, std::string_view bytes) {
  return unless_forbidden(hmac(EVP_md5(), key, bytes));
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

bool equals_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(bytes_of(a), bytes_of(b), a.size()) == 0;
}

}  // namespace openmmp::sasl
