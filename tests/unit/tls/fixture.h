// Certificates made when a test needs them, and two Streams that talk to each other in memory.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ipc/tls/client_context.h"
#include "ipc/tls/openssl.h"
#include "ipc/tls/server_context.h"

namespace openmmp::tls {

struct Wish {
  std::vector<std::string> names = {"mail.example.com"};  // DNS, or "IP:127.0.0.1"
  // Entries of the subject, in their order: {"CN", "alice"}.
  std::vector<std::pair<std::string, std::string>> subject = {{"CN", "subject"}};
  KeyType key = KeyType::ecdsa;
  int rsa_bits = 2048;
  int from_days = -1;
  int to_days = 30;
  bool authority = false;
  bool responder = false;  // may sign OCSP responses for its issuer
  std::string ocsp_url;
};

struct Issued {
  Owned<X509> certificate;
  Owned<EVP_PKEY> key;
  std::string pem() const;
  std::string key_pem(const char* password = nullptr) const;
  std::string der() const;
  // As the operator has it: with `issuers` behind the certificate.
  CertificateText text(const std::string& issuers = {}) const;
};

Issued issue_self_signed(const Wish& wish);

class Authority {
 public:
  explicit Authority(const std::string& name = "Test CA");
  Issued issue(const Wish& wish) const;
  std::string pem() const { return self_.pem(); }
  X509* certificate() const { return self_.certificate.get(); }
  EVP_PKEY* key() const { return self_.key.get(); }

 private:
  Issued self_;
};

// The authority of most tests; made once.
const Authority& authority();

// A direction of the wire.
struct Wire {
  std::string bytes;
  size_t piece = SIZE_MAX;  // most that one receive gives
  bool ended = false;
  Transport transport();
};

struct Peer {
  explicit Peer(Stream s) : stream(std::move(s)) {}
  Result<Stream::Progress> handshake() { return stream.handshake(in.transport()); }
  // What it can read now; `last` is what read() returned in the end, -1 with `last_errno`.
  std::string read();
  ssize_t last = 0;
  int last_errno = 0;
  Stream stream;
  Wire in;
  bool done = false;
  Result<> failure;
};

struct Pair {
  Pair(Stream server_stream, Stream client_stream)
      : server(std::move(server_stream)), client(std::move(client_stream)) {}
  // Until both are done, or one has failed and the other has heard of it.
  bool handshake();
  void carry();                // what waits in output() of both
  std::string reason() const;  // why it failed, as the client heard it, else as the server says
  Peer server;
  Peer client;
};

std::unique_ptr<ServerContext> make_server(ServerOptions options);
std::unique_ptr<ClientContext> make_client(ClientOptions options);
// One certificate for mail.example.com.
ServerOptions simple_server();
CertificateText certificate_for(const std::string& label, std::vector<std::string> names,
                                KeyType key = KeyType::ecdsa);
// "first" for first.example.com; "wild" for *.example.com and *.example.net; "exact" for
// imap.example.com; and for both.example.org "exact", of ECDSA, and "rsa".
ServerOptions many_names();
ClientOptions simple_client();

// A client that is not ours: any OpenSSL can do.
class RawClient {
 public:
  RawClient();
  SSL_CTX* context() const { return context_.get(); }
  Stream connect(const char* server_name = nullptr) const;
  // The latest session that a server gave it.
  SSL_SESSION* session() const { return session_.get(); }
  // The ticket that a resumed session of TLS 1.2 was given, of which OpenSSL tells nobody.
  void keep(const Stream& stream);

 private:
  Owned<SSL_CTX> context_;
  Owned<SSL_SESSION> session_;
  friend int keep_raw_session(SSL* ssl, SSL_SESSION* session);
};

}  // namespace openmmp::tls
