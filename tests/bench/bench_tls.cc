#include "tests/bench/bench_tls.h"

#include <openssl/err.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace bench {
namespace {

// One suite for each version, so that a proxy with a taste of its own is given neither less work
// nor more: the one that mail clients offer first, which are built on NSS, BoringSSL or Apple's
// library.
constexpr const char* suite_12 = "ECDHE-ECDSA-AES128-GCM-SHA256";
constexpr const char* suite_13 = "TLS_AES_128_GCM_SHA256";
// What a client sends of its own accord, and what a ticket may be bound to.
constexpr const char* server_name = "localhost";
// Several records with one recv(2): the client's cost is not what is measured.
constexpr std::size_t read_ahead_size = 64 << 10;

void must(bool worked, const char* what) {
  if (worked) return;
  std::fprintf(stderr, "%s: ", what);
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

const char* last_error() {
  const char* const text = ERR_reason_error_string(ERR_peek_last_error());
  return text ? text : "no reason given";
}

}  // namespace

TlsClient::TlsClient(std::string_view version, bool keeps_tickets)
    : context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX* const context = context_.get();
  must(context != nullptr, "SSL_CTX_new");
  const int number = version == "1.2" ? TLS1_2_VERSION : TLS1_3_VERSION;
  must(SSL_CTX_set_min_proto_version(context, number) == 1 &&
           SSL_CTX_set_max_proto_version(context, number) == 1,
       "TLS version");
  must(SSL_CTX_set_cipher_list(context, suite_12) == 1 &&
           SSL_CTX_set_ciphersuites(context, suite_13) == 1,
       "TLS ciphers");
  // The certificate is nobody's; its signature over the handshake is checked nevertheless.
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  // After LOGOUT a bare end of stream is as good as one that is announced.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, read_ahead_size);
  SSL_CTX_set_session_cache_mode(
      context, keeps_tickets ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE
                             : SSL_SESS_CACHE_OFF);
  SSL_CTX_sess_set_new_cb(context, &TlsLink::on_ticket);
}

std::unique_ptr<TlsLink> TlsClient::start(int fd, Ticket ticket) const {
  return std::make_unique<TlsLink>(context_.get(), fd, std::move(ticket));
}

std::unique_ptr<TlsLink> TlsClient::start_resumed(int fd) {
  if (tickets_.empty()) return nullptr;
  Ticket ticket = std::move(tickets_.back());
  tickets_.pop_back();
  return start(fd, std::move(ticket));
}

void TlsClient::finish(TlsLink& link) {
  // Without a goodbye OpenSSL would take the session for broken, and its ticket with it.
  SSL_shutdown(link.connection_.get());
  ERR_clear_error();
  if (link.ticket_) tickets_.push_back(std::move(link.ticket_));
}

TlsLink::TlsLink(SSL_CTX* context, int fd, Ticket ticket)
    : connection_(SSL_new(context)), ticket_(std::move(ticket)), is_to_resume_(ticket_ != nullptr) {
  SSL* const connection = connection_.get();
  must(connection != nullptr && SSL_set_fd(connection, fd) == 1 &&
           SSL_set_tlsext_host_name(connection, server_name) == 1,
       "SSL_new");
  must(!ticket_ || SSL_set_session(connection, ticket_.get()) == 1, "SSL_set_session");
  SSL_set_app_data(connection, this);
  SSL_set_connect_state(connection);
}

// The newest ticket is the one to use next; 1 takes it from OpenSSL's hands. A session that the
// server keeps and the client only names is none.
int TlsLink::on_ticket(SSL* connection, SSL_SESSION* ticket) {
  if (SSL_SESSION_has_ticket(ticket) == 0) return 0;
  static_cast<TlsLink*>(SSL_get_app_data(connection))->ticket_.reset(ticket);
  return 1;
}

Shaken TlsLink::fail(const char* text) {
  failure_ = std::string("TLS handshake: ") + text;
  return Shaken::failed;
}

Shaken TlsLink::shake_hands() {
  ERR_clear_error();
  errno = 0;
  const int done = SSL_do_handshake(connection_.get());
  if (done != 1) {
    const int why = SSL_get_error(connection_.get(), done);
    if (why == SSL_ERROR_WANT_READ) return Shaken::not_yet;
    if (why == SSL_ERROR_SYSCALL) return fail(errno != 0 ? std::strerror(errno) : "closed");
    return fail(why == SSL_ERROR_ZERO_RETURN ? "closed" : last_error());
  }
  if (is_to_resume_ && !resumed()) return fail("full, though a ticket was offered");
  if (!is_to_resume_ && resumed()) return fail("resumed, though no ticket was offered");
  return Shaken::done;
}

std::string TlsLink::cipher() const {
  std::string text = SSL_get_version(connection_.get());
  text += std::string(" ") + SSL_get_cipher_name(connection_.get());
  const int group = static_cast<int>(SSL_get_negotiated_group(connection_.get()));
  const char* const name = group > 0 ? OBJ_nid2sn(group) : nullptr;
  return name ? text + " " + name : text;
}

ssize_t TlsLink::result(int got) {
  if (got > 0) return got;
  switch (SSL_get_error(connection_.get(), got)) {
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_SYSCALL:
      if (errno == 0) errno = ECONNRESET;
      return -1;
    default:
      errno = EPROTO;
      return -1;
  }
}

ssize_t TlsLink::read(char* buffer, std::size_t size) {
  ERR_clear_error();
  return result(SSL_read(connection_.get(), buffer, static_cast<int>(size)));
}

ssize_t TlsLink::write(std::string_view data) {
  ERR_clear_error();
  return result(SSL_write(connection_.get(), data.data(), static_cast<int>(data.size())));
}

}  // namespace bench
