// One TLS session over a non-blocking socket, without the socket: bytes from the peer are fetched
// and bytes for it are handed out through a Transport, so that its owner stays in charge of edges,
// deadlines and back-pressure.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/runtime/result.h"

struct ssl_st;

namespace openmmp::tls {

// Where a Stream gets its bytes from. As recv(2): 0 at the end, -1 with errno EAGAIN for "later".
struct Transport {
  void* self;
  ssize_t (*receive)(void* self, char* to, size_t room);
};

// The certificate that a peer showed and proved to have the key of.
struct PeerCertificate {
  std::string subject;  // RFC 2253: "CN=alice,O=example"; may be empty
  std::string issuer;
  std::string fingerprint;  // SHA-256, 64 hex digits
  std::string der;
};

enum class Binding { tls_exporter, tls_server_end_point, tls_unique };

// What a session turned out to be, for logs and for those who are told about the client.
struct Facts {
  std::string version;      // "TLSv1.3"
  std::string cipher;       // "TLS_AES_256_GCM_SHA384"
  std::string server_name;  // SNI; empty: none
  bool resumed = false;
};

class Stream {
 public:
  explicit Stream(ssl_st* ssl);  // takes it
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  enum class Progress { done, wait };

  // Each of these may leave bytes in output(), also when it fails: alerts. The Transport is used
  // during the call only.

  // Errc::protocol: says why, in OpenSSL's words and with the alert, if the peer sent one.
  Result<Progress> handshake(Transport transport);
  // As recv(2): 0 at a proper end, -1 with EAGAIN, EPROTO for what is no TLS or an end without
  // close_notify (error() says which), or the transport's errno.
  ssize_t read(Transport transport, char* to, size_t room);
  // Encrypts all of it into output().
  Result<> write(std::string_view text);
  // Says that nothing more will come: close_notify, in output().
  void close();

  // Ciphertext that waits to be sent; the caller takes it away.
  std::string& output();
  const std::string& error() const;
  Facts facts() const;
  // Nothing when the peer showed none. A session is never resumed if it began with one.
  std::optional<PeerCertificate> peer_certificate() const;
  // Channel binding data (RFC 5929, RFC 9266), raw; nothing where the session does not have that
  // kind. `Binding::tls_server_end_point` is about the server's certificate.
  std::optional<std::string> binding(Binding kind) const;
  ssl_st* get() const;  // for the rest of ipc/tls

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace openmmp::tls
