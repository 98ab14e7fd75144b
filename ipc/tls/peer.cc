#include "ipc/tls/peer.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "ipc/tls/openssl.h"
#include "ipc/tls/x509.h"

namespace openmmp::tls {

namespace {

// RFC 9266. TLS 1.2 has it too, but there a missing context and an empty one differ, and so do the
// implementations; clients of TLS 1.2 have tls-unique.
std::optional<std::string> tls_exporter(SSL* ssl) {
  constexpr std::string_view label = "EXPORTER-Channel-Binding";
  if (SSL_version(ssl) < TLS1_3_VERSION) return std::nullopt;
  std::string data(32, '\0');
  if (SSL_export_keying_material(ssl, bytes_of(data), data.size(), label.data(), label.size(),
                                 nullptr, 0, 0) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  return data;
}

// RFC 5929 section 3: the first Finished of the handshake, which is the client's in a full one and
// the server's in a resumed one. Without the extended master secret two sessions can have the same.
std::optional<std::string> tls_unique(SSL* ssl) {
  if (SSL_version(ssl) > TLS1_2_VERSION || SSL_get_extms_support(ssl) != 1) return std::nullopt;
  const bool from_client = SSL_session_reused(ssl) == 0;
  const bool we_are_client = SSL_is_server(ssl) == 0;
  std::string data(EVP_MAX_MD_SIZE, '\0');
  data.resize(from_client == we_are_client ? SSL_get_finished(ssl, data.data(), data.size())
                                           : SSL_get_peer_finished(ssl, data.data(), data.size()));
  if (data.empty()) return std::nullopt;
  return data;
}

// RFC 5929 section 4: the certificate's hash by the function of its signature, but never a weak
// one.
std::optional<std::string> tls_server_end_point(SSL* ssl) {
  const bool server = SSL_is_server(ssl) == 1;
  // A resumed session began with a certificate that need not be the one we would choose today.
  if (server && SSL_session_reused(ssl) == 1) return std::nullopt;
  const X509* certificate = server ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return std::nullopt;
  int digest = NID_undef;
  if (X509_get_signature_info(const_cast<X509*>(certificate), &digest, nullptr, nullptr, nullptr) !=
          1 ||
      digest == NID_undef) {
    ERR_clear_error();
    return std::nullopt;
  }
  if (digest == NID_md5 || digest == NID_sha1) digest = NID_sha256;
  std::string data(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  if (X509_digest(certificate, EVP_get_digestbynid(digest), bytes_of(data), &size) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  data.resize(size);
  return data;
}

}  // namespace

std::optional<PeerCertificate> peer_certificate_of(ssl_st* ssl) {
  const X509* shown = SSL_get0_peer_certificate(ssl);
  if (shown == nullptr) return std::nullopt;
  PeerCertificate certificate;
  certificate.subject = name_text(X509_get_subject_name(shown));
  certificate.issuer = name_text(X509_get_issuer_name(shown));
  certificate.fingerprint = hex(fingerprint_of(shown));
  certificate.der = der_of(shown);
  return certificate;
}

std::optional<std::string> binding_of(ssl_st* ssl, Binding kind) {
  switch (kind) {
    case Binding::tls_exporter:
      return tls_exporter(ssl);
    case Binding::tls_unique:
      return tls_unique(ssl);
    case Binding::tls_server_end_point:
      return tls_server_end_point(ssl);
  }
  return std::nullopt;
}

}  // namespace openmmp::tls
