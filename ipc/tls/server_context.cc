#include "ipc/tls/server_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <string_view>

#include "ipc/runtime/check.h"
#include "ipc/tls/cipher_specs.h"
#include "ipc/tls/context.h"
#include "ipc/tls/server_names.h"
#include "ipc/tls/tickets.h"

namespace openmmp::tls {

namespace {

// Each connection of a client brings it one, which is as many as it will use; a second would cost a
// twentieth of the handshake.
constexpr size_t tickets_per_handshake = 1;

struct Served {
  Credentials credentials;
  std::string staple;
};

}  // namespace

// OpenSSL's callbacks find it as the application data of every SSL_CTX, so it does not move.
struct ServerContext::State {
  State(ServerOptions given, const std::vector<CertificateFacts>& facts)
      : options(std::move(given)), names(facts) {}

  static State& of(SSL* ssl) {
    return *static_cast<State*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  }
  static int choose_certificates(SSL* ssl, int* alert, void*);
  static int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                             const unsigned char* offered, unsigned offered_size, void*);
  static int ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                    EVP_MAC_CTX* mac, int sealing);
  static int give_staple(SSL* ssl, void*);
  static int verified(int good, X509_STORE_CTX* verification);

  Result<> add_context(const ServerNames::Set& set, STACK_OF(X509) * authorities);
  Result<> ask_for_certificates(SSL_CTX* context, STACK_OF(X509) * authorities);
  void set_callbacks(SSL_CTX* context);
  void allow_tickets(bool allowed);

  ServerOptions options;
  ServerNames names;
  std::vector<Served> served;            // as options.certificates
  std::vector<Owned<SSL_CTX>> contexts;  // as names.sets()
  Tickets tickets;
};

int ServerContext::State::choose_certificates(SSL* ssl, int* alert, void*) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  State& state = of(ssl);
  const std::optional<size_t> found = state.names.find(name);
  if (!found && state.options.strict_names) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  if (!found) return SSL_TLSEXT_ERR_NOACK;
  // The first is what every session begins with, and a change costs a copy.
  if (*found != 0) SSL_set_SSL_CTX(ssl, state.contexts[*found].get());
  return SSL_TLSEXT_ERR_OK;
}

// RFC 7301 section 3.2. A browser that was sent here by somebody else offers http only, and must
// not come to believe that our answers are its server's (ALPACA).
int ServerContext::State::choose_protocol(SSL* ssl, const unsigned char** chosen,
                                          unsigned char* size, const unsigned char* offered,
                                          unsigned offered_size, void*) {
  const std::string& ours = of(ssl).options.protocol;
  for (unsigned at = 0; at < offered_size; at += 1u + offered[at]) {
    const std::string_view name(
        static_cast<const char*>(static_cast<const void*>(offered + at + 1)), offered[at]);
    if (name != ours) continue;
    *chosen = offered + at + 1;
    *size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int ServerContext::State::ticket(SSL* ssl, unsigned char* name, unsigned char* iv,
                                 EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int sealing) {
  const Tickets& tickets = of(ssl).tickets;
  if (sealing == 0) {
    const int opened = tickets.open(name, iv, cipher, mac);
    // Clients use a ticket of TLS 1.3 once (RFC 8446 appendix C.4), so each gets another.
    return opened == 1 && SSL_version(ssl) == TLS1_3_VERSION ? 2 : opened;
  }
  // A resumed session would carry an identity that nobody proved in it.
  if (SSL_get0_peer_certificate(ssl) != nullptr) return 0;
  return tickets.seal(name, iv, cipher, mac);
}

int ServerContext::State::give_staple(SSL* ssl, void*) {
  const State& state = of(ssl);
  const X509* chosen = SSL_get_certificate(ssl);
  const auto served = std::find_if(
      state.served.begin(), state.served.end(),
      [chosen](const Served& candidate) { return candidate.credentials.leaf.get() == chosen; });
  if (served == state.served.end() || served->staple.empty()) return SSL_TLSEXT_ERR_NOACK;
  const std::string& staple = served->staple;
  void* copy = OPENSSL_memdup(staple.data(), staple.size());
  if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(staple.size()));  // takes it
  return SSL_TLSEXT_ERR_OK;
}

int ServerContext::State::verified(int good, X509_STORE_CTX* verification) {
  SSL* ssl = session_of(verification);
  if (good != 1) Stream::explain(ssl, "client's " + verify_failure(verification));
  // In TLS 1.3 no ticket is even begun; see ticket() for TLS 1.2, which has promised one by now.
  SSL_set_num_tickets(ssl, 0);
  SSL_set_options(ssl, SSL_OP_NO_TICKET);
  return good;
}

void ServerContext::State::set_callbacks(SSL_CTX* context) {
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_tlsext_servername_callback(context, choose_certificates);
  if (!options.protocol.empty()) SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket);
  SSL_CTX_set_tlsext_status_cb(context, give_staple);
  SSL_CTX_set_timeout(context, options.ticket_seconds);
}

Result<> ServerContext::State::ask_for_certificates(SSL_CTX* context,
                                                    STACK_OF(X509) * authorities) {
  Result<Owned<X509_STORE>> store = make_store(authorities);
  if (!store) return fail(store.error());
  SSL_CTX_set1_verify_cert_store(context, store->get());
  for (int i = 0; i < sk_X509_num(authorities); ++i) {
    SSL_CTX_add_client_CA(context, sk_X509_value(authorities, i));
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, verified);
  return {};
}

Result<> ServerContext::State::add_context(const ServerNames::Set& set,
                                           STACK_OF(X509) * authorities) {
  auto context = make_context(Side::server, options.ciphers, options.min_version);
  if (!context) return fail(context.error());
  for (const size_t index : set) {
    if (auto used = use_credentials(context->get(), served[index].credentials); !used) {
      const std::string& name = options.certificates[index].name;
      return fail(used.error().code, name + ": " + used.error().detail);
    }
  }
  unsigned char scope[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  CHECK(EVP_Digest(options.scope.data(), options.scope.size(), scope, &size, EVP_sha256(),
                   nullptr) == 1);
  SSL_CTX_set_session_id_context(context->get(), scope, size);
  set_callbacks(context->get());
  if (authorities != nullptr) {
    if (auto asked = ask_for_certificates(context->get(), authorities); !asked) return asked;
  }
  contexts.push_back(std::move(*context));
  return {};
}

// The SSL_CTX that a session begins with decides, whichever it goes on with.
void ServerContext::State::allow_tickets(bool allowed) {
  SSL_CTX* first = contexts.front().get();
  SSL_CTX_set_num_tickets(first, allowed ? tickets_per_handshake : 0);
  if (allowed) {
    SSL_CTX_clear_options(first, SSL_OP_NO_TICKET);
  } else {
    SSL_CTX_set_options(first, SSL_OP_NO_TICKET);
  }
}

Result<std::unique_ptr<ServerContext>> ServerContext::create(ServerOptions options) {
  if (options.certificates.empty()) return fail(Errc::refused, "TLS needs a certificate");
  std::vector<CertificateFacts> facts;
  std::vector<Served> served;
  for (const CertificateText& text : options.certificates) {
    auto about = examine(text);
    if (!about) return fail(about.error());
    facts.push_back(std::move(*about));
    auto loaded =
        load_credentials(text.name, text.chain, text.key.reveal(), text.password.reveal());
    if (!loaded) return fail(loaded.error());
    served.push_back(Served{std::move(*loaded), text.ocsp});
  }
  Owned<STACK_OF(X509)> authorities;
  if (!options.authorities.empty()) {
    auto found = load_certificates("certificate authorities", options.authorities);
    if (!found) return fail(found.error());
    authorities = std::move(*found);
  }
  auto state = std::make_unique<State>(std::move(options), facts);
  state->served = std::move(served);
  for (const ServerNames::Set& set : state->names.sets()) {
    if (auto added = state->add_context(set, authorities.get()); !added) {
      return fail(added.error());
    }
  }
  // The keys are OpenSSL's now.
  state->options.certificates.clear();
  state->allow_tickets(false);
  return std::make_unique<ServerContext>(std::move(state));
}

ServerContext::ServerContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
ServerContext::~ServerContext() = default;

void ServerContext::set_ticket_keys(TicketKeys keys) {
  state_->tickets.set_keys(std::move(keys));
  state_->allow_tickets(!state_->tickets.empty());
}

void ServerContext::staple(size_t certificate, std::string der) {
  CHECK(certificate < state_->served.size());
  state_->served[certificate].staple = std::move(der);
}

Stream ServerContext::accept() const {
  SSL* ssl = SSL_new(state_->contexts.front().get());
  CHECK(ssl != nullptr);
  SSL_set_accept_state(ssl);
  return Stream(ssl);
}

Result<> check_ciphers(std::string_view specs) {
  const auto context = make_context(Side::server, std::string(specs), Version::tls1_2);
  if (!context) return fail(context.error());
  return {};
}

}  // namespace openmmp::tls
