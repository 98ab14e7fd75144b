// What an operator writes as SSLCipherSpecs, in OpenSSL's notation. Pure.
//
// A list with colons, commas or blanks. An entry is a cipher in any of its spellings (OpenSSL's
// ECDHE-RSA-AES128-GCM-SHA256, the RFCs' TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, NSS's
// ecdhe_rsa_aes_128_gcm_sha_256, with "+" to add it or "-" to leave it out), a suite of TLS 1.3, an
// expression of OpenSSL's (HIGH, ECDHE+AESGCM, !SHA1), or "all" for our own choice.
#pragma once

#include <string>
#include <string_view>

#include "ipc/runtime/result.h"

namespace openmmp::tls {

struct CipherLists {
  std::string tls1_2;  // empty: none, TLS 1.3 only
  std::string tls1_3;
};

// Errc::refused: a name that is no cipher, with the nearest that is one; a cipher that protects
// nothing.
Result<CipherLists> parse_cipher_specs(std::string_view specs);

}  // namespace openmmp::tls
