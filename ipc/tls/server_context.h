// TLS towards clients: certificates chosen by server name and by what the client can verify,
// tickets, stapled OCSP responses. One for a service in a worker; it outlives the streams it made,
// and is replaced by the next generation, not changed.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/runtime/result.h"
#include "ipc/tls/certificate.h"
#include "ipc/tls/stream.h"
#include "ipc/tls/ticket_keys.h"

namespace openmmp::tls {

struct ServerOptions {
  std::vector<CertificateText> certificates;  // the first is for clients that name no server
  std::string ciphers = "all";                // SSLCipherSpecs: OpenSSL's names, or NSS's
  Version min_version = Version::tls1_2;
  std::string protocol;     // ALPN: "imap"; a client that offers others only is refused (RFC 7301)
  std::string authorities;  // PEM; of client certificates, which nobody is asked for without it
  std::string scope;        // a ticket of another scope is not taken: service and authorities
  bool strict_names = false;  // refuse server names that no certificate is for
  int64_t ticket_seconds = 7200;
};

class ServerContext {
  struct State;

 public:
  // Errc::refused: what is wrong with which certificate or cipher, as for check.
  static Result<std::unique_ptr<ServerContext>> create(ServerOptions options);
  ~ServerContext();

  // None: tickets are neither made nor taken.
  void set_ticket_keys(TicketKeys keys);
  // What to staple from now on for the certificate of that index; empty: nothing.
  void staple(size_t certificate, std::string der);

  // The server's side of a handshake that has not begun.
  Stream accept() const;

  // For create().
  explicit ServerContext(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

// Errc::refused: a name that is no cipher, with the nearest that is one.
Result<> check_ciphers(std::string_view specs);

}  // namespace openmmp::tls
