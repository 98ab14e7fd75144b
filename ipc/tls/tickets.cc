#include "ipc/tls/tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "ipc/runtime/check.h"

namespace openmmp::tls {

namespace {

constexpr size_t name_size = 16;
constexpr int iv_size = 16;

bool start_mac(EVP_MAC_CTX* mac, const TicketKey& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  const std::string_view secret = key.hmac_key();
  return EVP_MAC_init(mac, bytes_of(secret), secret.size(), parameters) == 1;
}

}  // namespace

Tickets::Tickets() : aes_(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr)) {
  CHECK(aes_ != nullptr);
}

int Tickets::seal(unsigned char* name, unsigned char* iv, evp_cipher_ctx_st* cipher,
                  evp_mac_ctx_st* mac) const {
  if (keys_.empty()) return 0;
  const TicketKey& key = keys_.front();
  std::memcpy(name, key.name().data(), name_size);
  const bool sealed =
      RAND_bytes(iv, iv_size) == 1 &&
      EVP_EncryptInit_ex2(cipher, aes_.get(), bytes_of(key.aes_key()), iv, nullptr) == 1 &&
      start_mac(mac, key);
  return sealed ? 1 : -1;
}

int Tickets::open(const unsigned char* name, const unsigned char* iv, evp_cipher_ctx_st* cipher,
                  evp_mac_ctx_st* mac) const {
  const auto key = std::find_if(keys_.begin(), keys_.end(), [name](const TicketKey& candidate) {
    return std::memcmp(candidate.name().data(), name, name_size) == 0;
  });
  if (key == keys_.end()) return 0;
  const bool opened =
      EVP_DecryptInit_ex2(cipher, aes_.get(), bytes_of(key->aes_key()), iv, nullptr) == 1 &&
      start_mac(mac, *key);
  if (!opened) return -1;
  return key == keys_.begin() ? 1 : 2;
}

}  // namespace openmmp::tls
