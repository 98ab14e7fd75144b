// What a finished handshake says about the peer and about itself: the certificate that was shown,
// and the channel binding data of SASL mechanisms. A Stream hands both out.
#pragma once

#include <optional>
#include <string>

struct ssl_st;

namespace openmmp::tls {

// The certificate that a peer showed and proved to have the key of.
struct PeerCertificate {
  std::string subject;  // RFC 2253: "CN=alice,O=example"; may be empty
  std::string issuer;
  std::string fingerprint;  // SHA-256, 64 hex digits
  std::string der;
};

enum class Binding { tls_exporter, tls_server_end_point, tls_unique };

// The functions behind Stream's of nearly the same names.
std::optional<PeerCertificate> peer_certificate_of(ssl_st* ssl);
std::optional<std::string> binding_of(ssl_st* ssl, Binding kind);

}  // namespace openmmp::tls
