// One TLS session over a non-blocking socket, without the socket: bytes from the peer are fetched
// through a Transport, and bytes for it are left in output(), so that its owner stays in charge of
// edges, deadlines and back-pressure. An owner that does not read while output() waits to be sent
// keeps a peer from filling it: a peer may ask for answers of TLS itself (KeyUpdate).
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/runtime/result.h"
#include "ipc/tls/peer.h"

struct ssl_st;

namespace openmmp::tls {

// Where a Stream gets its bytes from. As recv(2): 0 at the end, -1 with errno EAGAIN for "later".
struct Transport {
  void* self;
  ssize_t (*receive)(void* self, char* to, size_t room);
};

// The oldest that is spoken.
enum class Version { tls1_2, tls1_3 };

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
  // during the call only. After a failure every further call fails in the same way.

  // Errc::protocol: says why, in OpenSSL's words and with the alert, if the peer sent one.
  // Errc::closed: the peer went away first.
  Result<Progress> handshake(Transport transport);
  // As recv(2): 0 at a proper end, -1 with EAGAIN, EPROTO for what is no TLS or an end without
  // close_notify (`truncated()`; error() says which), or the transport's errno. It reads ahead: an
  // owner that waits for edges must go on until EAGAIN, whatever the size of what came.
  ssize_t read(Transport transport, char* to, size_t room);
  // Encrypts all of it into output(). Only after the handshake.
  Result<> write(std::string_view text);
  // Says that nothing more will come: close_notify, in output().
  void close();

  // Ciphertext that waits to be sent; the caller takes it away.
  std::string& output();
  const std::string& error() const;
  // The transport ended without close_notify, as it does when a client is killed or just leaves.
  bool truncated() const;
  Facts facts() const;
  // Nothing when the peer showed none. A session is never resumed if it began with one.
  std::optional<PeerCertificate> peer_certificate() const;
  // Channel binding data (RFC 5929, RFC 9266), raw; nothing where the session does not have that
  // kind. `Binding::tls_server_end_point` is about the server's certificate.
  std::optional<std::string> binding(Binding kind) const;

  // For the rest of ipc/tls, from callbacks during handshake(): why it is about to fail, in words
  // that are better than OpenSSL's.
  static void explain(ssl_st* ssl, std::string why);
  ssl_st* get() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace openmmp::tls
