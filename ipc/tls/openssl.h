// What the files of this folder share in their dealings with OpenSSL: ownership of its objects, its
// errors in words, and bytes as it wants them. Nobody outside includes it.
//
// OpenSSL sets itself up at its first use, in whichever thread that is, so there is no function to
// call first; what we keep for the whole process is made once, on first use, and never changed.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct bio_st;
struct evp_cipher_st;
struct evp_pkey_st;
struct ocsp_basic_response_st;
struct ocsp_cert_id_st;
struct ocsp_request_st;
struct ocsp_response_st;
struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;
struct stack_st_GENERAL_NAME;
struct stack_st_X509;
struct x509_st;
struct x509_store_st;

namespace openmmp::tls {

struct Release {
  void operator()(bio_st* object) const;
  void operator()(evp_cipher_st* object) const;
  void operator()(evp_pkey_st* object) const;
  void operator()(ocsp_basic_response_st* object) const;
  void operator()(ocsp_cert_id_st* object) const;
  void operator()(ocsp_request_st* object) const;
  void operator()(ocsp_response_st* object) const;
  void operator()(ssl_ctx_st* object) const;
  void operator()(ssl_session_st* object) const;
  void operator()(ssl_st* object) const;
  void operator()(stack_st_GENERAL_NAME* object) const;
  void operator()(stack_st_X509* object) const;
  void operator()(x509_st* object) const;
  void operator()(x509_store_st* object) const;
};

template <class T>
using Owned = std::unique_ptr<T, Release>;

// The first error of this thread's queue in OpenSSL's words, or "the peer sent the alert ..."; the
// queue is empty afterwards. "unknown error" when there was none.
std::string take_error();

inline const unsigned char* bytes_of(std::string_view text) {
  return static_cast<const unsigned char*>(static_cast<const void*>(text.data()));
}
inline unsigned char* bytes_of(std::string& text) {
  return static_cast<unsigned char*>(static_cast<void*>(text.data()));
}
std::string hex(std::string_view bytes);

// A BIO to read `text` from, which must outlive it.
Owned<bio_st> reader(std::string_view text);

}  // namespace openmmp::tls
