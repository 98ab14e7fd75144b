#include "ipc/tls/certificate.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "ipc/tls/context.h"
#include "ipc/tls/credentials.h"
#include "ipc/tls/ocsp.h"
#include "ipc/tls/x509.h"

namespace openmmp::tls {

namespace {

Result<KeyType> key_type_of(const std::string& name, X509* certificate) {
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  switch (key == nullptr ? EVP_PKEY_NONE : EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return KeyType::rsa;
    case EVP_PKEY_EC:
      return KeyType::ecdsa;
    case EVP_PKEY_ED25519:
      return KeyType::ed25519;
    default:
      ERR_clear_error();
      return fail(Errc::refused, name + ": its key is neither RSA nor ECDSA nor Ed25519");
  }
}

int64_t seconds_of(const ASN1_TIME* time) {
  tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<int64_t>(timegm(&parts)) : 0;
}

std::string ocsp_url_of(X509* certificate) {
  STACK_OF(OPENSSL_STRING)* urls = X509_get1_ocsp(certificate);
  std::string first;
  if (sk_OPENSSL_STRING_num(urls) > 0) first = sk_OPENSSL_STRING_value(urls, 0);
  X509_email_free(urls);
  return first;
}

}  // namespace

Result<CertificateFacts> examine(const CertificateText& text) {
  const Result<Credentials> loaded =
      load_credentials(text.name, text.chain, text.key.reveal(), text.password.reveal());
  if (!loaded) return fail(loaded.error());
  X509* leaf = loaded->leaf.get();
  const Result<KeyType> key_type = key_type_of(text.name, leaf);
  if (!key_type) return fail(key_type.error());
  // What a context of ours would not take either: keys too short, hashes too weak.
  const auto context = make_context(Side::server, "all", Version::tls1_2);
  if (!context) return fail(context.error());
  if (const auto used = use_credentials(context->get(), *loaded); !used) {
    return fail(Errc::refused, text.name + ": " + used.error().detail);
  }
  if (!text.ocsp.empty()) {
    const auto about = ocsp_facts(text.ocsp, text.chain);
    if (!about) return fail(Errc::refused, text.name + ": " + about.error().detail);
  }
  CertificateFacts facts;
  facts.names = names_of(leaf);
  facts.key_type = *key_type;
  facts.not_before = seconds_of(X509_get0_notBefore(leaf));
  facts.not_after = seconds_of(X509_get0_notAfter(leaf));
  facts.ocsp_url = ocsp_url_of(leaf);
  facts.subject = name_text(X509_get_subject_name(leaf));
  ERR_clear_error();
  return facts;
}

Result<size_t> examine_authorities(const std::string& pem) {
  const auto found = load_certificates("certificate authorities", pem);
  if (!found) return fail(found.error());
  return static_cast<size_t>(sk_X509_num(found->get()));
}

}  // namespace openmmp::tls
