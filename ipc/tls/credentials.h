// A certificate, its issuers and its key as OpenSSL's objects, made from the operator's text and
// checked to belong together. For the rest of ipc/tls.
#pragma once

#include <string>
#include <string_view>

#include "ipc/runtime/result.h"
#include "ipc/tls/openssl.h"

namespace openmmp::tls {

struct Credentials {
  Owned<x509_st> leaf;
  Owned<stack_st_X509> issuers;  // from the leaf's upwards
  Owned<evp_pkey_st> key;
};

// All the certificates of a PEM text. Errc::refused: none, or one that cannot be read. `name`, the
// file's, begins the messages, here and below.
Result<Owned<stack_st_X509>> load_certificates(const std::string& name, const std::string& pem);

// `key` is PEM too; empty: it is in `chain`. Errc::refused: no certificate or key, a key that
// cannot be read or is of another certificate, a chain that is not one.
Result<Credentials> load_credentials(const std::string& name, const std::string& chain,
                                     std::string_view key, std::string_view password);

}  // namespace openmmp::tls
