// TLS towards stores and relays: whom we believe, and what we show. One for each kind of store in a
// worker; it outlives the streams it made.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/result.h"
#include "ipc/tls/certificate.h"
#include "ipc/tls/server_context.h"
#include "ipc/tls/stream.h"

namespace openmmp::tls {

struct ClientOptions {
  std::string authorities;                // PEM; empty: those of the system
  std::vector<std::string> fingerprints;  // SHA-256 of certificates, 64 hex digits; any of them
                                          // will do, whatever its name and issuer
  bool verify = true;                     // no: anything goes, when there are no fingerprints
  std::optional<CertificateText> certificate;  // of ours, when the store asks for one
  std::string ciphers = "all";
  Version min_version = Version::tls1_2;
  std::string protocol;  // offered by ALPN
};

class ClientContext {
  struct State;

 public:
  static Result<std::unique_ptr<ClientContext>> create(ClientOptions options);
  ~ClientContext();

  // The client's side of a handshake that has not begun. The host is a name, sent as SNI, or an
  // address; the certificate must be for it. Sessions are resumed where the server offers it, but
  // not from one port to another: what listens there may be something else.
  Stream connect(const HostPort& server) const;

  // For create().
  explicit ClientContext(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace openmmp::tls
