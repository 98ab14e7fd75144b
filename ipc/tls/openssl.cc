#include "ipc/tls/openssl.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace openmmp::tls {

void Release::operator()(bio_st* object) const { BIO_free_all(object); }
void Release::operator()(evp_cipher_st* object) const { EVP_CIPHER_free(object); }
void Release::operator()(evp_pkey_st* object) const { EVP_PKEY_free(object); }
void Release::operator()(ocsp_basic_response_st* object) const { OCSP_BASICRESP_free(object); }
void Release::operator()(ocsp_cert_id_st* object) const { OCSP_CERTID_free(object); }
void Release::operator()(ocsp_request_st* object) const { OCSP_REQUEST_free(object); }
void Release::operator()(ocsp_response_st* object) const { OCSP_RESPONSE_free(object); }
void Release::operator()(ssl_ctx_st* object) const { SSL_CTX_free(object); }
void Release::operator()(ssl_session_st* object) const { SSL_SESSION_free(object); }
void Release::operator()(ssl_st* object) const { SSL_free(object); }
void Release::operator()(stack_st_GENERAL_NAME* object) const { GENERAL_NAMES_free(object); }
void Release::operator()(stack_st_X509* object) const { sk_X509_pop_free(object, X509_free); }
void Release::operator()(x509_st* object) const { X509_free(object); }
void Release::operator()(x509_store_st* object) const { X509_STORE_free(object); }

std::string take_error() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  if (error == 0) return "unknown error";
  if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) >= SSL_AD_REASON_OFFSET) {
    const int alert = ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET;
    const std::string name = SSL_alert_desc_string_long(alert);
    // Of those that came with TLS 1.3 OpenSSL 3.0 knows no name, but a reason.
    const char* const reason = name == "unknown" ? ERR_reason_error_string(error) : nullptr;
    return "the peer sent the alert \"" + (reason != nullptr ? reason : name) + '"';
  }
  if (const char* reason = ERR_reason_error_string(error)) return reason;
  char words[256];
  ERR_error_string_n(error, words, sizeof words);
  return words;
}

std::string hex(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string result;
  result.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    result += digits[byte >> 4];
    result += digits[byte & 15];
  }
  return result;
}

Owned<bio_st> reader(std::string_view text) {
  return Owned<bio_st>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace openmmp::tls
