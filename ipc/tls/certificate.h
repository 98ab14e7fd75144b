// A certificate and its private key as the operator's files have them, and what can be known about
// them before the first client comes. Nothing here opens a file or looks at a clock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ipc/runtime/result.h"
#include "ipc/runtime/secret.h"

namespace openmmp::tls {

struct CertificateText {
  std::string name;   // in messages: the file
  std::string chain;  // PEM: the certificate, then those of its issuers
  Secret key;         // PEM; empty: it is in `chain` too
  Secret password;    // of the key
  std::string ocsp;   // DER response to staple; empty: none
};

enum class KeyType { rsa, ecdsa, ed25519 };

struct CertificateFacts {
  std::vector<std::string> names;  // DNS names and addresses it is for, lower case: "*.example.com"
  KeyType key_type = KeyType::rsa;
  int64_t not_before = 0;  // seconds since 1970
  int64_t not_after = 0;
  std::string ocsp_url;  // of the responder that the certificate names; empty: none
  std::string subject;   // RFC 2253
};

// Errc::refused: no certificate or key in the text, a key that cannot be read (and whether a
// password was missing or wrong), a key of another certificate or too short to be used, a chain
// that is not one, an OCSP response that is none or is about another certificate. `detail` begins
// with `text.name`.
Result<CertificateFacts> examine(const CertificateText& text);

// Errc::refused: no PEM certificate in it. How many there are.
Result<size_t> examine_authorities(const std::string& pem);

}  // namespace openmmp::tls
