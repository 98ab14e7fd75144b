#include "tests/unit/tls/fixture.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>

namespace openmmp::tls {

namespace {

std::string text_in(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

Owned<EVP_PKEY> make_key(const Wish& wish) {
  switch (wish.key) {
    case KeyType::ecdsa:
      return Owned<EVP_PKEY>(EVP_EC_gen("P-256"));
    case KeyType::ed25519:
      return Owned<EVP_PKEY>(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    case KeyType::rsa:
      break;
  }
  if (wish.rsa_bits != 2048)
    return Owned<EVP_PKEY>(EVP_RSA_gen(static_cast<size_t>(wish.rsa_bits)));
  // RSA keys take long to make; all certificates share this one.
  static const Owned<EVP_PKEY> rsa(EVP_RSA_gen(2048));
  EVP_PKEY_up_ref(rsa.get());
  return Owned<EVP_PKEY>(rsa.get());
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Issued make(const Wish& wish) {
  static long serial = 1;
  Issued made;
  made.key = make_key(wish);
  made.certificate.reset(X509_new());
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), wish.from_days * 86400L);
  X509_gmtime_adj(X509_getm_notAfter(certificate), wish.to_days * 86400L);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME* subject = X509_get_subject_name(certificate);
  for (const auto& [kind, value] : wish.subject) {
    X509_NAME_add_entry_by_txt(subject, kind.c_str(), V_ASN1_UTF8STRING,
                               bytes_of(std::string_view(value)), static_cast<int>(value.size()),
                               -1, 0);
  }
  std::string names;
  for (const std::string& name : wish.names) {
    names += (names.empty() ? "" : ",") + std::string(name.starts_with("IP:") ? "" : "DNS:") + name;
  }
  if (!names.empty()) add_extension(certificate, NID_subject_alt_name, names);
  if (wish.authority) add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  if (wish.responder) add_extension(certificate, NID_ext_key_usage, "OCSPSigning");
  if (!wish.ocsp_url.empty()) {
    add_extension(certificate, NID_info_access, "OCSP;URI:" + wish.ocsp_url);
  }
  return made;
}

void sign(const Issued& made, const X509_NAME* issuer, EVP_PKEY* key) {
  X509_set_issuer_name(made.certificate.get(), issuer);
  ASSERT_GT(X509_sign(made.certificate.get(), key, EVP_sha256()), 0);
}

}  // namespace

std::string Issued::pem() const {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate.get());
  return text_in(bio.get());
}

std::string Issued::key_pem(const char* password) const {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  const EVP_CIPHER* cipher = password == nullptr ? nullptr : EVP_aes_128_cbc();
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), cipher, password,
                                password == nullptr ? 0 : static_cast<int>(strlen(password)),
                                nullptr, nullptr);
  return text_in(bio.get());
}

std::string Issued::der() const {
  std::string der(static_cast<size_t>(i2d_X509(certificate.get(), nullptr)), '\0');
  unsigned char* to = bytes_of(der);
  i2d_X509(certificate.get(), &to);
  return der;
}

CertificateText Issued::text(const std::string& issuers) const {
  CertificateText text;
  text.name = "server.pem";
  text.chain = pem() + issuers;
  text.key = Secret(key_pem());
  return text;
}

Issued issue_self_signed(const Wish& wish) {
  Issued made = make(wish);
  sign(made, X509_get_subject_name(made.certificate.get()), made.key.get());
  return made;
}

Authority::Authority(const std::string& name) {
  Wish wish;
  wish.names = {};
  wish.subject = {{"CN", name}};
  wish.authority = true;
  self_ = issue_self_signed(wish);
}

Issued Authority::issue(const Wish& wish) const {
  Issued made = make(wish);
  sign(made, X509_get_subject_name(certificate()), key());
  return made;
}

const Authority& authority() {
  static const Authority made;
  return made;
}

Transport Wire::transport() {
  return {this, [](void* self, char* to, size_t room) -> ssize_t {
            Wire& wire = *static_cast<Wire*>(self);
            if (wire.bytes.empty()) {
              if (wire.ended) return 0;
              errno = EAGAIN;
              return -1;
            }
            const size_t size = std::min({room, wire.piece, wire.bytes.size()});
            std::copy_n(wire.bytes.begin(), size, to);
            wire.bytes.erase(0, size);
            return static_cast<ssize_t>(size);
          }};
}

std::string Peer::read() {
  std::string text;
  char buffer[4096];
  while ((last = stream.read(in.transport(), buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<size_t>(last));
  }
  last_errno = last < 0 ? errno : 0;
  return text;
}

void Pair::carry() {
  client.in.bytes += std::exchange(server.stream.output(), {});
  server.in.bytes += std::exchange(client.stream.output(), {});
}

bool Pair::handshake() {
  for (int turn = 0; turn < 20; ++turn) {
    for (Peer* peer : {&client, &server}) {
      if (peer->done || !peer->failure) continue;
      const auto progress = peer->handshake();
      if (!progress) peer->failure = fail(progress.error());
      peer->done = progress && *progress == Stream::Progress::done;
      carry();
    }
  }
  // The last word of a server, its tickets or why it failed, may come after the client's end.
  if (client.done && client.failure) client.read();
  return client.done && server.done;
}

std::string Pair::reason() const {
  if (!client.failure) return client.failure.error().detail;
  if (!client.stream.error().empty() || server.failure) return client.stream.error();
  return server.failure.error().detail;
}

std::unique_ptr<ServerContext> make_server(ServerOptions options) {
  auto made = ServerContext::create(std::move(options));
  EXPECT_TRUE(made) << made.error().detail;
  return std::move(*made);
}

std::unique_ptr<ClientContext> make_client(ClientOptions options) {
  auto made = ClientContext::create(std::move(options));
  EXPECT_TRUE(made) << made.error().detail;
  return std::move(*made);
}

ServerOptions simple_server() {
  ServerOptions options;
  options.certificates.push_back(authority().issue({}).text());
  options.scope = "imap";
  return options;
}

CertificateText certificate_for(const std::string& label, std::vector<std::string> names,
                                KeyType key) {
  Wish wish;
  wish.subject = {{"CN", label}};
  wish.names = std::move(names);
  wish.key = key;
  return authority().issue(wish).text();
}

ServerOptions many_names() {
  ServerOptions options;
  options.certificates.push_back(certificate_for("first", {"first.example.com"}));
  options.certificates.push_back(certificate_for("wild", {"*.example.com", "*.example.net"}));
  options.certificates.push_back(
      certificate_for("exact", {"imap.example.com", "Both.Example.ORG"}));
  options.certificates.push_back(certificate_for("rsa", {"both.example.org"}, KeyType::rsa));
  return options;
}

ClientOptions simple_client() {
  ClientOptions options;
  options.authorities = authority().pem();
  return options;
}

int keep_raw_session(SSL* ssl, SSL_SESSION* session) {
  static_cast<RawClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->session_.reset(session);
  return 1;
}

RawClient::RawClient() : context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX_set_app_data(context_.get(), this);
  SSL_CTX_set_session_cache_mode(context_.get(),
                                 SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context_.get(), keep_raw_session);
}

void RawClient::keep(const Stream& stream) { session_.reset(SSL_get1_session(stream.get())); }

Stream RawClient::connect(const char* server_name) const {
  SSL* ssl = SSL_new(context_.get());
  SSL_set_connect_state(ssl);
  if (server_name != nullptr) SSL_set_tlsext_host_name(ssl, server_name);
  if (session_) {
    // OpenSSL would mark the session as used up if it were not a copy.
    const Owned<SSL_SESSION> copy(SSL_SESSION_dup(session_.get()));
    SSL_set_session(ssl, copy.get());
  }
  return Stream(ssl);
}

}  // namespace openmmp::tls
