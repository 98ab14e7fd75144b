// TLS for the load driver: one context for all its connections, the tickets it has been given, and
// a connection that reads like a socket. It is the driver's own, since the bench must not change
// speed when the product does. A TlsLink ends before its TlsClient and before its descriptor.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* connection) const { SSL_free(connection); }
  void operator()(SSL_SESSION* ticket) const { SSL_SESSION_free(ticket); }
};

using Ticket = std::unique_ptr<SSL_SESSION, FreeTls>;

class TlsLink;

class TlsClient {
 public:
  // Speaks `version` ("1.2" or "1.3") and nothing else.
  TlsClient(std::string_view version, bool keeps_tickets);

  // A handshake over the connected `fd`, to be full or to resume a session by a ticket.
  std::unique_ptr<TlsLink> start_full(int fd) const { return start(fd, nullptr); }
  // Null when no ticket is left.
  std::unique_ptr<TlsLink> start_resumed(int fd);
  // Says goodbye and keeps the ticket for the next one, if it has one.
  void finish(TlsLink& link);

  std::size_t tickets() const { return tickets_.size(); }

 private:
  std::unique_ptr<TlsLink> start(int fd, Ticket ticket) const;

  std::unique_ptr<SSL_CTX, FreeTls> context_;
  std::vector<Ticket> tickets_;
};

enum class Shaken { done, not_yet, failed };

class TlsLink {
 public:
  TlsLink(SSL_CTX* context, int fd, Ticket ticket);

  // Goes on with the handshake; `failed` also when it was not of the kind that it was to be.
  Shaken shake_hands();
  // As recv(2) and send(2) do: -1 with EAGAIN in errno when there is nothing yet.
  ssize_t read(char* buffer, std::size_t size);
  ssize_t write(std::string_view data);
  // Bytes have come that no event will tell of.
  bool has_more() const { return SSL_has_pending(connection_.get()) == 1; }

  bool resumed() const { return SSL_session_reused(connection_.get()) == 1; }
  std::string cipher() const;  // with the version and, of a full handshake, the group
  const std::string& failure() const { return failure_; }

 private:
  friend class TlsClient;
  static int on_ticket(SSL* connection, SSL_SESSION* ticket);
  Shaken fail(const char* text);
  ssize_t result(int got);

  std::unique_ptr<SSL, FreeTls> connection_;
  Ticket ticket_;      // the newest that came, or else the one that was used
  bool is_to_resume_;  // what the handshake is for
  std::string failure_;
};

}  // namespace bench
