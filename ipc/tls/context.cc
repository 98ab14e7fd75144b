#include "ipc/tls/context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "ipc/runtime/check.h"
#include "ipc/tls/cipher_specs.h"
#include "ipc/tls/x509.h"

namespace openmmp::tls {

namespace {

// One read takes what a burst brought, and a bulk transfer comes in pieces of two records. The
// buffer lives only while there is something in it; to give back more than 64 KiB would make glibc
// tidy up its heap each time.
constexpr size_t read_buffer = 32 * 1024;

Result<> set_ciphers(SSL_CTX* context, const std::string& specs) {
  const Result<CipherLists> lists = parse_cipher_specs(specs);
  if (!lists) return fail(lists.error());
  ERR_clear_error();
  if (lists->tls1_2.empty()) {
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  } else if (SSL_CTX_set_cipher_list(context, lists->tls1_2.c_str()) != 1) {
    ERR_clear_error();
    return fail(Errc::refused, "\"" + specs + "\" leaves no cipher of TLS 1.2");
  }
  if (lists->tls1_3.empty()) {
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  } else if (SSL_CTX_set_ciphersuites(context, lists->tls1_3.c_str()) != 1) {
    return fail(Errc::refused, "\"" + specs + "\": " + take_error());
  }
  return {};
}

}  // namespace

Result<Owned<ssl_ctx_st>> make_context(Side side, const std::string& ciphers, Version min_version) {
  Owned<SSL_CTX> context(
      SSL_CTX_new(side == Side::server ? TLS_server_method() : TLS_client_method()));
  if (!context) return fail(Errc::internal, "OpenSSL: " + take_error());
  SSL_CTX* made = context.get();
  SSL_CTX_set_min_proto_version(made,
                                min_version == Version::tls1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(made, 0);
  SSL_CTX_set_security_level(made, 2);
  SSL_CTX_set_options(made, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // NO_AUTO_CHAIN: the operator's file has the chain; to search for one costs a verification in
  // every handshake.
  SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_read_ahead(made, 1);
  SSL_CTX_set_default_read_buffer_len(made, read_buffer);
  CHECK(SSL_CTX_set1_groups_list(made, "X25519:P-256:P-384") == 1);
  SSL_CTX_set_dh_auto(made, 1);
  SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
  if (auto set = set_ciphers(made, ciphers); !set) return fail(set.error());
  return context;
}

Result<> use_credentials(ssl_ctx_st* context, const Credentials& credentials) {
  ERR_clear_error();
  if (SSL_CTX_use_cert_and_key(context, credentials.leaf.get(), credentials.key.get(),
                               credentials.issuers.get(), 1) == 1) {
    return {};
  }
  return fail(Errc::refused, "certificate \"" +
                                 name_text(X509_get_subject_name(credentials.leaf.get())) +
                                 "\": " + take_error());
}

Result<Owned<x509_store_st>> make_store(stack_st_X509* authorities) {
  Owned<X509_STORE> store(X509_STORE_new());
  ERR_clear_error();
  for (int i = 0; i < sk_X509_num(authorities); ++i) {
    if (X509_STORE_add_cert(store.get(), sk_X509_value(authorities, i)) != 1) {
      return fail(Errc::refused, "certificate authorities: " + take_error());
    }
  }
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  return store;
}

ssl_st* session_of(x509_store_ctx_st* verification) {
  return static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

std::string verify_failure(x509_store_ctx_st* verification) {
  const X509* about = X509_STORE_CTX_get_current_cert(verification);
  const std::string subject = about == nullptr ? "" : name_text(X509_get_subject_name(about));
  return "certificate \"" + subject +
         "\": " + X509_verify_cert_error_string(X509_STORE_CTX_get_error(verification));
}

}  // namespace openmmp::tls
