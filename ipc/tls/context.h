// What the contexts of both sides have in common. For the rest of ipc/tls.
#pragma once

#include <string>

#include "ipc/runtime/result.h"
#include "ipc/tls/credentials.h"
#include "ipc/tls/openssl.h"
#include "ipc/tls/stream.h"

struct x509_store_ctx_st;

namespace openmmp::tls {

enum class Side { server, client };

// Errc::refused: ciphers that are none, or of which none is left.
Result<Owned<ssl_ctx_st>> make_context(Side side, const std::string& ciphers, Version min_version);

// Adds the certificate beside those of other key types.
Result<> use_credentials(ssl_ctx_st* context, const Credentials& credentials);

// The certificates of `pem` as what verification ends at, be they roots or not.
Result<Owned<x509_store_st>> make_store(stack_st_X509* authorities);

// The session that a verification is for.
ssl_st* session_of(x509_store_ctx_st* verification);
// 'certificate "CN=a": certificate has expired'.
std::string verify_failure(x509_store_ctx_st* verification);

}  // namespace openmmp::tls
