#include "ipc/tls/client_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <unordered_map>

#include "ipc/runtime/check.h"
#include "ipc/tls/context.h"
#include "ipc/tls/x509.h"

namespace openmmp::tls {

namespace {

constexpr size_t most_sessions = 1024;

bool is_address(const std::string& host) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), address) == 1;
}

// What connect() gave the verification to check.
std::string host_of(const SSL* ssl) {
  X509_VERIFY_PARAM* parameters = SSL_get0_param(const_cast<SSL*>(ssl));
  if (const char* name = X509_VERIFY_PARAM_get0_host(parameters, 0)) return name;
  char* address = X509_VERIFY_PARAM_get1_ip_asc(parameters);
  const std::string text = address == nullptr ? "" : address;
  OPENSSL_free(address);
  return text;
}

// "a certificate is for x and y": the first few names, for a log line.
std::string names_for_log(X509* certificate) {
  constexpr size_t most = 5;
  const std::vector<std::string> names = names_of(certificate);
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), most); ++i) {
    text += (text.empty() ? "" : ", ") + names[i];
  }
  if (names.size() > most) text += ", ...";
  return text.empty() ? "nobody" : text;
}

int verified(int good, X509_STORE_CTX* verification) {
  if (good == 1) return good;
  SSL* ssl = session_of(verification);
  const int error = X509_STORE_CTX_get_error(verification);
  if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    Stream::explain(ssl, "certificate is for " +
                             names_for_log(X509_STORE_CTX_get0_cert(verification)) + ", not for " +
                             host_of(ssl));
  } else {
    Stream::explain(ssl, verify_failure(verification));
  }
  return good;
}

Result<std::vector<std::string>> parse_fingerprints(const std::vector<std::string>& texts) {
  std::vector<std::string> fingerprints;
  for (const std::string& text : texts) {
    std::string digits;
    std::remove_copy(text.begin(), text.end(), std::back_inserter(digits), ':');
    long size = 0;
    unsigned char* bytes = OPENSSL_hexstr2buf(digits.c_str(), &size);
    if (bytes != nullptr && size == 32) {
      fingerprints.emplace_back(bytes, bytes + size);
    }
    OPENSSL_free(bytes);
    ERR_clear_error();
    if (size != 32) {
      return fail(Errc::refused, "\"" + text + "\" is no SHA-256 fingerprint: 64 hex digits");
    }
  }
  return fingerprints;
}

}  // namespace

// OpenSSL's callbacks have addresses of what is in it, so it does not move.
struct ClientContext::State {
  // Where the session with a server is kept; null: there are too many servers.
  static Owned<SSL_SESSION>* place_of(const SSL* ssl) {
    return static_cast<Owned<SSL_SESSION>*>(SSL_get_app_data(ssl));
  }
  Owned<SSL_SESSION>* find_place(const HostPort& server);
  static int keep_session(SSL* ssl, SSL_SESSION* session);
  static void drop_session(const SSL* ssl, int event, int value);
  static int check_fingerprint(X509_STORE_CTX* verification, void* self);

  Result<> set_trust(const ClientOptions& options);
  Result<> set_protocol(const std::string& protocol);

  Owned<SSL_CTX> context;
  std::vector<std::string> fingerprints;  // raw
  // By "host:port". None is ever taken out: each SSL has the address of its own.
  std::unordered_map<std::string, Owned<SSL_SESSION>> sessions;
};

Owned<SSL_SESSION>* ClientContext::State::find_place(const HostPort& server) {
  const std::string name = server.to_string();
  const bool has_room = sessions.size() < most_sessions || sessions.contains(name);
  return has_room ? &sessions[name] : nullptr;
}

// Takes the session when it returns 1.
int ClientContext::State::keep_session(SSL* ssl, SSL_SESSION* session) {
  Owned<SSL_SESSION>* place = place_of(ssl);
  if (place == nullptr) return 0;
  place->reset(session);
  return 1;
}

// A store that failed over a session is not asked to resume it again.
void ClientContext::State::drop_session(const SSL* ssl, int event, int value) {
  const bool fatal = (event & SSL_CB_ALERT) != 0 && (value >> 8) == SSL3_AL_FATAL;
  Owned<SSL_SESSION>* place = place_of(ssl);
  if (place != nullptr && fatal && SSL_is_init_finished(ssl) == 0) place->reset();
}

int ClientContext::State::check_fingerprint(X509_STORE_CTX* verification, void* self) {
  const auto& wanted = static_cast<const State*>(self)->fingerprints;
  const std::string shown = fingerprint_of(X509_STORE_CTX_get0_cert(verification));
  if (std::find(wanted.begin(), wanted.end(), shown) != wanted.end()) return 1;
  Stream::explain(session_of(verification),
                  "certificate has the fingerprint " + hex(shown) + ", which is none of ours");
  X509_STORE_CTX_set_error(verification, X509_V_ERR_CERT_UNTRUSTED);
  return 0;
}

Result<> ClientContext::State::set_trust(const ClientOptions& options) {
  SSL_CTX* ours = context.get();
  auto parsed = parse_fingerprints(options.fingerprints);
  if (!parsed) return fail(parsed.error());
  fingerprints = std::move(*parsed);
  if (!fingerprints.empty()) {
    SSL_CTX_set_verify(ours, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(ours, check_fingerprint, this);
    return {};
  }
  if (!options.verify) return {};
  SSL_CTX_set_verify(ours, SSL_VERIFY_PEER, verified);
  if (options.authorities.empty()) {
    if (SSL_CTX_set_default_verify_paths(ours) == 1) return {};
    return fail(Errc::unavailable, "the certificate authorities of the system: " + take_error());
  }
  auto authorities = load_certificates("certificate authorities", options.authorities);
  if (!authorities) return fail(authorities.error());
  auto store = make_store(authorities->get());
  if (!store) return fail(store.error());
  SSL_CTX_set_cert_store(ours, store->release());
  return {};
}

Result<> ClientContext::State::set_protocol(const std::string& protocol) {
  if (protocol.empty()) return {};
  if (protocol.size() > 255) return fail(Errc::refused, "ALPN: a protocol's name is too long");
  std::string list(1, static_cast<char>(protocol.size()));
  list += protocol;
  CHECK(SSL_CTX_set_alpn_protos(context.get(), bytes_of(std::string_view(list)),
                                static_cast<unsigned>(list.size())) == 0);
  return {};
}

Result<std::unique_ptr<ClientContext>> ClientContext::create(ClientOptions options) {
  auto context = make_context(Side::client, options.ciphers, options.min_version);
  if (!context) return fail(context.error());
  auto state = std::make_unique<State>();
  state->context = std::move(*context);
  SSL_CTX* ours = state->context.get();
  if (auto set = state->set_trust(options); !set) return fail(set.error());
  if (auto set = state->set_protocol(options.protocol); !set) return fail(set.error());
  if (options.certificate) {
    const CertificateText& text = *options.certificate;
    auto loaded =
        load_credentials(text.name, text.chain, text.key.reveal(), text.password.reveal());
    if (!loaded) return fail(loaded.error());
    if (auto used = use_credentials(ours, *loaded); !used) return fail(used.error());
  }
  // Kept here rather than by OpenSSL, which cannot look one up for a client.
  SSL_CTX_set_session_cache_mode(ours, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ours, State::keep_session);
  SSL_CTX_set_info_callback(ours, State::drop_session);
  return std::make_unique<ClientContext>(std::move(state));
}

ClientContext::ClientContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
ClientContext::~ClientContext() = default;

Stream ClientContext::connect(const HostPort& server) const {
  const std::string& host = server.host;
  SSL* ssl = SSL_new(state_->context.get());
  CHECK(ssl != nullptr);
  SSL_set_connect_state(ssl);
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  if (is_address(host)) {
    CHECK(X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1);
  } else {
    SSL_set_tlsext_host_name(ssl, host.c_str());
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    CHECK(X509_VERIFY_PARAM_set1_host(parameters, host.data(), host.size()) == 1);
  }
  Owned<SSL_SESSION>* place = state_->find_place(server);
  SSL_set_app_data(ssl, place);
  if (place != nullptr && *place && SSL_SESSION_is_resumable(place->get()) == 1) {
    // A copy, because OpenSSL takes a session of TLS 1.3 for used up after its first resumption.
    const Owned<SSL_SESSION> copy(SSL_SESSION_dup(place->get()));
    SSL_set_session(ssl, copy.get());
  }
  return Stream(ssl);
}

}  // namespace openmmp::tls
