#include "ipc/tls/client_context.h"

#include <gtest/gtest.h>

#include "tests/unit/tls/fixture.h"

namespace openmmp::tls {
namespace {

std::string lower_hex(const Issued& issued) {
  unsigned char hash[32];
  unsigned size = 0;
  X509_digest(issued.certificate.get(), EVP_sha256(), hash, &size);
  return hex(std::string(hash, hash + size));
}

std::unique_ptr<ServerContext> server_with(const Issued& issued, const std::string& issuers = {}) {
  ServerOptions options;
  options.certificates.push_back(issued.text(issuers));
  return make_server(std::move(options));
}

// "" when the handshake succeeds.
std::string outcome(const ServerContext& server, const ClientContext& client,
                    const std::string& host) {
  Pair pair(server.accept(), client.connect({host, 993}));
  if (pair.handshake()) return {};
  EXPECT_FALSE(pair.client.failure);
  return pair.client.failure ? "" : pair.client.failure.error().detail;
}

Wish wish_for(std::vector<std::string> names) {
  Wish wish;
  wish.names = std::move(names);
  return wish;
}

TEST(ClientContext, BelievesCertificatesForTheHostOnly) {
  struct Case {
    std::vector<std::string> names;
    std::string host;
    std::string why;
  };
  const Case cases[] = {
      {{"store1.example.com"}, "store1.example.com", ""},
      {{"store1.example.com"}, "STORE1.example.com", ""},
      {{"mail.example.com"}, "store1", "certificate is for mail.example.com, not for store1"},
      {{"a.example.com", "b.example.com"},
       "c.example.com",
       "certificate is for a.example.com, b.example.com, not for c.example.com"},
      {{"*.example.com"}, "store1.example.com", ""},
      {{"*.example.com"},
       "a.b.example.com",
       "certificate is for *.example.com, not for a.b.example.com"},
      {{"s*.example.com"},
       "store1.example.com",
       "certificate is for s*.example.com, not for store1.example.com"},
      {{"IP:127.0.0.1"}, "127.0.0.1", ""},
      {{"IP:::1"}, "::1", ""},
      {{"IP:127.0.0.1"}, "127.0.0.2", "certificate is for 127.0.0.1, not for 127.0.0.2"},
      {{"127.0.0.1"}, "127.0.0.1", "certificate is for 127.0.0.1, not for 127.0.0.1"},
      {{"a.invalid", "b.invalid", "c.invalid", "d.invalid", "e.invalid", "f.invalid"},
       "store",
       "certificate is for a.invalid, b.invalid, c.invalid, d.invalid, e.invalid, ..., "
       "not for store"},
  };
  const auto client = make_client(simple_client());
  for (const Case& c : cases) {
    const auto server = server_with(authority().issue(wish_for(c.names)));
    EXPECT_EQ(outcome(*server, *client, c.host), c.why) << c.host;
  }
}

TEST(ClientContext, SaysWhatIsWrongWithACertificate) {
  Wish late = wish_for({"store"});
  late.from_days = -9;
  late.to_days = -1;
  Wish early = wish_for({"store"});
  early.from_days = 1;
  const Authority stranger("Stranger");
  struct Case {
    Issued issued;
    std::string why;
  };
  const Case cases[] = {
      {authority().issue(late), "certificate \"CN=subject\": certificate has expired"},
      {authority().issue(early), "certificate \"CN=subject\": certificate is not yet valid"},
      {stranger.issue(wish_for({"store"})),
       "certificate \"CN=subject\": unable to get local issuer certificate"},
      {issue_self_signed(wish_for({"store"})),
       "certificate \"CN=subject\": self-signed certificate"},
  };
  const auto client = make_client(simple_client());
  for (const Case& c : cases) {
    EXPECT_EQ(outcome(*server_with(c.issued), *client, "store"), c.why);
  }
  // The system knows our authority as little.
  EXPECT_EQ(
      outcome(*server_with(authority().issue(wish_for({"store"}))), *make_client({}), "store"),
      "certificate \"CN=subject\": unable to get local issuer certificate");
}

TEST(ClientContext, TakesASelfSignedCertificateThatItKnows) {
  const Issued issued = issue_self_signed(wish_for({"store"}));
  ClientOptions options;
  options.authorities = issued.pem();
  const auto client = make_client(std::move(options));
  EXPECT_EQ(outcome(*server_with(issued), *client, "store"), "");
  EXPECT_NE(outcome(*server_with(issued), *client, "other"), "");
}

TEST(ClientContext, FindsAChain) {
  Wish middle;
  middle.names = {};
  middle.subject = {{"CN", "Middle"}};
  middle.authority = true;
  const Issued intermediate = authority().issue(middle);
  Issued leaf = issue_self_signed(wish_for({"store"}));
  X509_set_issuer_name(leaf.certificate.get(),
                       X509_get_subject_name(intermediate.certificate.get()));
  X509_sign(leaf.certificate.get(), intermediate.key.get(), EVP_sha256());
  const auto client = make_client(simple_client());
  EXPECT_EQ(outcome(*server_with(leaf, intermediate.pem()), *client, "store"), "");
  EXPECT_EQ(outcome(*server_with(leaf, intermediate.pem() + authority().pem()), *client, "store"),
            "");
  EXPECT_NE(outcome(*server_with(leaf), *client, "store"), "");
  ClientOptions partial;
  partial.authorities = intermediate.pem();
  EXPECT_EQ(outcome(*server_with(leaf), *make_client(std::move(partial)), "store"), "");
}

TEST(ClientContext, FingerprintsStandForNameAndIssuer) {
  Wish late = wish_for({"elsewhere"});
  late.from_days = -9;
  late.to_days = -1;
  const Issued pinned = issue_self_signed(late);
  const Issued other = authority().issue(wish_for({"store"}));
  ClientOptions options = simple_client();
  std::string with_colons = lower_hex(pinned);
  for (size_t at = 62; at > 0; at -= 2) with_colons.insert(at, 1, ':');
  for (char& c : with_colons) c = static_cast<char>(toupper(c));
  options.fingerprints = {std::string(64, '0'), with_colons};
  const auto client = make_client(std::move(options));
  EXPECT_EQ(outcome(*server_with(pinned), *client, "store"), "");
  EXPECT_EQ(outcome(*server_with(other), *client, "store"),
            "certificate has the fingerprint " + lower_hex(other) + ", which is none of ours");
  ClientOptions unverified;
  unverified.verify = false;
  unverified.fingerprints = {lower_hex(pinned)};
  EXPECT_NE(outcome(*server_with(other), *make_client(std::move(unverified)), "store"), "");
}

TEST(ClientContext, MayBelieveAnybody) {
  ClientOptions options;
  options.verify = false;
  const auto client = make_client(std::move(options));
  EXPECT_EQ(outcome(*server_with(issue_self_signed(wish_for({"elsewhere"}))), *client, "store"),
            "");
}

TEST(ClientContext, NamesTheServerButNoAddress) {
  const auto server = make_server(simple_server());
  ClientOptions options;
  options.verify = false;
  const auto client = make_client(std::move(options));
  for (const std::string host : {"mail.example.com", "127.0.0.1", "::1"}) {
    Pair pair(server->accept(), client->connect({host, 993}));
    ASSERT_TRUE(pair.handshake());
    EXPECT_EQ(pair.server.stream.facts().server_name, host.size() > 10 ? host : "");
  }
}

TEST(ClientContext, ShowsItsCertificate) {
  Wish wish = wish_for({});
  wish.subject = {{"CN", "proxy"}};
  ServerOptions server_options = simple_server();
  server_options.authorities = authority().pem();
  const auto server = make_server(std::move(server_options));
  ClientOptions options = simple_client();
  options.certificate = authority().issue(wish).text();
  const auto client = make_client(std::move(options));
  Pair pair(server->accept(), client->connect({"mail.example.com", 993}));
  ASSERT_TRUE(pair.handshake()) << pair.reason();
  ASSERT_TRUE(pair.server.stream.peer_certificate());
  EXPECT_EQ(pair.server.stream.peer_certificate()->subject, "CN=proxy");
}

TEST(ClientContext, AppliesCiphersVersionAndProtocol) {
  ServerOptions server_options = simple_server();
  server_options.protocol = "imap";
  const auto server = make_server(std::move(server_options));
  ClientOptions options = simple_client();
  options.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384,-TLS_AES_128_GCM_SHA256";
  options.protocol = "imap";
  const auto client = make_client(std::move(options));
  Pair pair(server->accept(), client->connect({"mail.example.com", 993}));
  ASSERT_TRUE(pair.handshake()) << pair.reason();
  EXPECT_EQ(pair.client.stream.facts().cipher, "TLS_AES_256_GCM_SHA384");

  ServerOptions old = simple_server();
  old.ciphers =
      "ECDHE-ECDSA-AES128-GCM-SHA256:-TLS_AES_128_GCM_SHA256:-TLS_AES_256_GCM_SHA384:"
      "-TLS_CHACHA20_POLY1305_SHA256";
  const auto old_server = make_server(std::move(old));
  EXPECT_NE(outcome(*old_server, *client, "mail.example.com"), "");  // no cipher in common
  ClientOptions any = simple_client();
  EXPECT_EQ(outcome(*old_server, *make_client(std::move(any)), "mail.example.com"), "");
  ClientOptions strict = simple_client();
  strict.min_version = Version::tls1_3;
  EXPECT_NE(outcome(*old_server, *make_client(std::move(strict)), "mail.example.com"), "");

  ClientOptions wrong = simple_client();
  wrong.protocol = "pop3";
  EXPECT_EQ(outcome(*server, *make_client(std::move(wrong)), "mail.example.com"),
            "the peer sent the alert \"no application protocol\"");
}

TEST(ClientContext, ResumesByHostAndPort) {
  for (const char* ciphers : {"all",
                              "all,-TLS_AES_128_GCM_SHA256,-TLS_AES_256_GCM_SHA384,"
                              "-TLS_CHACHA20_POLY1305_SHA256"}) {
    const auto client = make_client(simple_client());
    ServerOptions options;
    options.certificates.push_back(authority().issue(wish_for({"a", "b", "IP:127.0.0.1"})).text());
    options.ciphers = ciphers;
    const auto server = make_server(std::move(options));
    TicketKeys keys;
    keys.push_back(TicketKey::random());
    server->set_ticket_keys(std::move(keys));
    const auto resumed = [&](const std::string& host, uint16_t port = 993) {
      Pair pair(server->accept(), client->connect({host, port}));
      EXPECT_TRUE(pair.handshake()) << pair.reason();
      return pair.client.stream.facts().resumed;
    };
    EXPECT_FALSE(resumed("a"));
    EXPECT_TRUE(resumed("a"));
    EXPECT_TRUE(resumed("a"));
    EXPECT_FALSE(resumed("b"));
    EXPECT_FALSE(resumed("a", 995));
    EXPECT_TRUE(resumed("a", 995));
    EXPECT_FALSE(resumed("127.0.0.1"));
    EXPECT_TRUE(resumed("127.0.0.1"));
    server->set_ticket_keys({});
    EXPECT_FALSE(resumed("a"));
  }
}

TEST(ClientContext, RefusesWhatIsNotForIt) {
  const auto refusal = [](ClientOptions options) {
    const auto made = ClientContext::create(std::move(options));
    return made ? std::string("none") : made.error().detail;
  };
  for (const char* text : {"", "12", "zz", "0123456789012345678901234567890123456789"}) {
    ClientOptions options;
    options.fingerprints = {text};
    EXPECT_EQ(refusal(std::move(options)),
              "\"" + std::string(text) + "\" is no SHA-256 fingerprint: 64 hex digits");
  }
  ClientOptions authorities;
  authorities.authorities = "hello";
  EXPECT_NE(refusal(std::move(authorities)), "none");
  ClientOptions ciphers;
  ciphers.ciphers = "NULL-SHA";
  EXPECT_NE(refusal(std::move(ciphers)), "none");
}

// What a store says that speaks no TLS on its port.
TEST(ClientContext, MeetsPlainText) {
  const auto client = make_client(simple_client());
  Peer peer(client->connect({"store", 993}));
  (void)peer.handshake();
  peer.in.bytes = "* OK IMAP4rev1 ready\r\n";
  const auto progress = peer.handshake();
  ASSERT_FALSE(progress);
  EXPECT_EQ(progress.error().code, Errc::protocol);
  EXPECT_EQ(progress.error().detail, "wrong version number");
}

}  // namespace
}  // namespace openmmp::tls
