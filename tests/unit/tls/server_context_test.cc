#include "ipc/tls/server_context.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/x509.h>

#include "tests/unit/tls/fixture.h"

namespace openmmp::tls {
namespace {

std::string common_name_shown(const Stream& stream) {
  const auto shown = stream.peer_certificate();
  return shown ? shown->subject : "";
}

TEST(ServerNames, ChooseTheCertificate) {
  const auto server = make_server(many_names());
  struct Case {
    const char* name;
    const char* subject;
  };
  const Case cases[] = {
      {nullptr, "CN=first"},
      {"first.example.com", "CN=first"},
      {"FIRST.example.COM", "CN=first"},
      {"imap.example.com", "CN=exact"},
      {"imap.example.com.", "CN=exact"},
      {"pop.example.com", "CN=wild"},
      {"POP.EXAMPLE.net", "CN=wild"},
      {"a.b.example.com", "CN=first"},  // "*" is one label
      {"example.com", "CN=first"},
      {"both.example.org", "CN=exact"},
      {"unknown.invalid", "CN=first"},
      {"com", "CN=first"},
  };
  const RawClient raw;
  for (const Case& c : cases) {
    Pair pair(server->accept(), raw.connect(c.name));
    ASSERT_TRUE(pair.handshake()) << pair.reason();
    EXPECT_EQ(common_name_shown(pair.client.stream), c.subject) << (c.name ? c.name : "none");
  }
}

TEST(ServerNames, StrictOnesRefuseOthers) {
  ServerOptions options = many_names();
  options.strict_names = true;
  const auto server = make_server(std::move(options));
  const RawClient raw;
  Pair known(server->accept(), raw.connect("pop.example.com"));
  EXPECT_TRUE(known.handshake());
  Pair none(server->accept(), raw.connect());
  EXPECT_TRUE(none.handshake());
  Pair unknown(server->accept(), raw.connect("unknown.invalid"));
  EXPECT_FALSE(unknown.handshake());
  EXPECT_EQ(unknown.client.failure.error().detail, "the peer sent the alert \"unrecognized name\"");
}

TEST(ServerNames, EachClientGetsTheKeyThatItCanVerify) {
  const auto server = make_server(many_names());
  struct Case {
    int version;
    const char* algorithms;
    const char* subject;
  };
  const Case cases[] = {
      {TLS1_3_VERSION, "ECDSA+SHA256", "CN=exact"},
      {TLS1_3_VERSION, "RSA-PSS+SHA256", "CN=rsa"},
      {TLS1_3_VERSION, "ECDSA+SHA256:RSA-PSS+SHA256", "CN=exact"},
      {TLS1_2_VERSION, "ECDSA+SHA256", "CN=exact"},
      {TLS1_2_VERSION, "RSA+SHA256", "CN=rsa"},
      {TLS1_2_VERSION, "RSA+SHA256:ECDSA+SHA256", "CN=exact"},
  };
  for (const Case& c : cases) {
    const RawClient raw;
    SSL_CTX_set_max_proto_version(raw.context(), c.version);
    ASSERT_EQ(SSL_CTX_set1_sigalgs_list(raw.context(), c.algorithms), 1);
    Pair pair(server->accept(), raw.connect("both.example.org"));
    ASSERT_TRUE(pair.handshake()) << c.algorithms << ": " << pair.reason();
    EXPECT_EQ(common_name_shown(pair.client.stream), c.subject) << c.version << c.algorithms;
  }
}

#ifdef __SANITIZE_ADDRESS__
// GCC's packages lack the header of it.
extern "C" size_t __sanitizer_get_current_allocated_bytes();
size_t memory_in_use() { return __sanitizer_get_current_allocated_bytes(); }
#else
size_t memory_in_use() { return mallinfo2().uordblks + mallinfo2().hblkhd; }
#endif

std::string hello_for(const std::string& name) {
  const RawClient raw;
  Peer client(raw.connect(name.c_str()));
  (void)client.handshake();
  return std::exchange(client.stream.output(), {});
}

TEST(ServerNames, RandomOnesLeaveNothingBehind) {
  ServerOptions options = many_names();
  options.strict_names = true;  // so that no signature is made for them
  const auto server = make_server(std::move(options));
  const std::string mark = "random-0000000";
  std::string hello = hello_for(mark + ".invalid");
  const size_t at = hello.find(mark);
  ASSERT_NE(at, std::string::npos);
  const auto meet = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      const std::string number = std::to_string(i);
      hello.replace(at + mark.size() - number.size(), number.size(), number);
      Peer peer(server->accept());
      peer.in.bytes = hello;
      EXPECT_FALSE(peer.handshake());
    }
  };
  meet(0, 1000);
  const size_t before = memory_in_use();
  meet(1000, 100000);
  EXPECT_LT(memory_in_use(), before + 4096);
}

TEST(ServerNames, SessionsLeaveNothingBehind) {
  const auto server = make_server(many_names());
  const auto meet = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      const std::string hello = hello_for("x" + std::to_string(i) + ".example.com");
      Peer peer(server->accept());
      peer.in.bytes = hello;
      EXPECT_TRUE(peer.handshake());
    }
  };
  meet(0, 100);
  const size_t before = memory_in_use();
  meet(100, 300);
  // Signatures differ in length, and with them what the heap rounds up; a name for each would be
  // more.
  EXPECT_LT(memory_in_use(), before + 16 * 1024);
}

struct Offer {
  std::string offered;  // wire form; empty: no ALPN
  bool good;
  std::string chosen;
};

TEST(Alpn, OnlyOurProtocolIsSpoken) {
  ServerOptions options = simple_server();
  options.protocol = "imap";
  const auto server = make_server(std::move(options));
  const Offer offers[] = {
      {"", true, ""},
      {"\x04imap", true, "imap"},
      {"\x08http/1.1\x04imap", true, "imap"},
      {"\x08http/1.1", false, ""},
      {"\x02h2\x08http/1.1", false, ""},
      {"\x05imap4", false, ""},
      {"\x04IMAP", false, ""},
  };
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const Offer& offer : offers) {
      const RawClient raw;
      SSL_CTX_set_max_proto_version(raw.context(), version);
      if (!offer.offered.empty()) {
        SSL_CTX_set_alpn_protos(raw.context(), bytes_of(std::string_view(offer.offered)),
                                static_cast<unsigned>(offer.offered.size()));
      }
      Pair pair(server->accept(), raw.connect());
      EXPECT_EQ(pair.handshake(), offer.good) << offer.offered;
      if (!offer.good) {
        EXPECT_EQ(pair.client.failure.error().detail,
                  "the peer sent the alert \"no application protocol\"");
        continue;
      }
      const unsigned char* chosen = nullptr;
      unsigned size = 0;
      SSL_get0_alpn_selected(pair.client.stream.get(), &chosen, &size);
      EXPECT_EQ(std::string(chosen, chosen + size), offer.chosen);
    }
  }
}

TEST(Versions, AreNoOlderThanWanted) {
  struct Case {
    Version least;
    int client;
    const char* version;  // nullptr: refused
  };
  const Case cases[] = {
      {Version::tls1_2, TLS1_3_VERSION, "TLSv1.3"}, {Version::tls1_2, TLS1_2_VERSION, "TLSv1.2"},
      {Version::tls1_2, TLS1_1_VERSION, nullptr},   {Version::tls1_2, TLS1_VERSION, nullptr},
      {Version::tls1_3, TLS1_3_VERSION, "TLSv1.3"}, {Version::tls1_3, TLS1_2_VERSION, nullptr},
  };
  for (const Case& c : cases) {
    ServerOptions options = simple_server();
    options.min_version = c.least;
    const auto server = make_server(std::move(options));
    const RawClient raw;
    SSL_CTX_set_security_level(raw.context(), 0);
    SSL_CTX_set_min_proto_version(raw.context(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(raw.context(), c.client);
    Pair pair(server->accept(), raw.connect());
    EXPECT_EQ(pair.handshake(), c.version != nullptr) << c.client;
    if (c.version != nullptr) {
      EXPECT_EQ(pair.server.stream.facts().version, c.version);
    } else {
      EXPECT_NE(pair.client.failure.error().detail.find("protocol version"), std::string::npos);
    }
  }
}

struct Shown {
  const char* what;
  Issued certificate;
  const char* subject;  // nullptr: refused
  const char* alert;
};

TEST(ClientCertificates, AreVerified) {
  Wish alice;
  alice.subject = {{"CN", "alice"}};
  Wish nobody = alice;
  nobody.subject = {};
  Wish empty = alice;
  empty.subject = {{"O", "example"}, {"CN", ""}};
  Wish two = alice;
  two.subject = {{"CN", "alice"}, {"CN", "bob"}};
  Wish tricky = alice;
  tricky.subject = {{"CN", "alice,CN=root"}};
  Wish late = alice;
  late.to_days = -1;
  late.from_days = -2;
  Wish early = alice;
  early.from_days = 1;
  const Authority stranger("Stranger");
  const Shown cases[] = {
      {"good", authority().issue(alice), "CN=alice", nullptr},
      {"no subject", authority().issue(nobody), "", nullptr},
      {"empty name", authority().issue(empty), "CN=,O=example", nullptr},
      {"two names", authority().issue(two), "CN=bob,CN=alice", nullptr},
      {"a comma", authority().issue(tricky), "CN=alice\\,CN=root", nullptr},
      {"expired", authority().issue(late), nullptr, "certificate expired"},
      {"not yet", authority().issue(early), nullptr, "bad certificate"},
      {"stranger", stranger.issue(alice), nullptr, "unknown CA"},
      {"self-signed", issue_self_signed(alice), nullptr, "unknown CA"},
  };
  ServerOptions options = simple_server();
  options.authorities = authority().pem();
  const auto server = make_server(std::move(options));
  for (const Shown& c : cases) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      const RawClient raw;
      SSL_CTX_set_max_proto_version(raw.context(), version);
      SSL_CTX_use_cert_and_key(raw.context(), c.certificate.certificate.get(),
                               c.certificate.key.get(), nullptr, 1);
      Pair pair(server->accept(), raw.connect());
      EXPECT_EQ(pair.handshake(), c.subject != nullptr) << c.what;
      if (c.subject != nullptr) {
        const auto shown = pair.server.stream.peer_certificate();
        ASSERT_TRUE(shown) << c.what;
        EXPECT_EQ(shown->subject, c.subject) << c.what;
      } else {
        EXPECT_NE(pair.reason().find(c.alert), std::string::npos) << c.what << pair.reason();
        EXPECT_TRUE(pair.server.failure.error().detail.starts_with("client's certificate \""));
      }
    }
  }
}

TEST(ClientCertificates, NobodyIsAskedWithoutAuthorities) {
  const auto server = make_server(simple_server());
  const RawClient raw;
  const Issued alice = authority().issue({});
  SSL_CTX_use_cert_and_key(raw.context(), alice.certificate.get(), alice.key.get(), nullptr, 1);
  Pair pair(server->accept(), raw.connect());
  ASSERT_TRUE(pair.handshake());
  EXPECT_FALSE(pair.server.stream.peer_certificate());
}

std::string stapled(const ServerContext& server, int version, const char* name,
                    const char* algorithms) {
  const RawClient raw;
  SSL_CTX_set_max_proto_version(raw.context(), version);
  SSL_CTX_set1_sigalgs_list(raw.context(), algorithms);
  SSL_CTX_set_tlsext_status_type(raw.context(), TLSEXT_STATUSTYPE_ocsp);
  Pair pair(server.accept(), raw.connect(name));
  EXPECT_TRUE(pair.handshake()) << pair.reason();
  const unsigned char* response = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(pair.client.stream.get(), &response);
  return size > 0 ? std::string(response, response + size) : "";
}

TEST(Staples, AreOfTheCertificateThatWasChosen) {
  const auto server = make_server(many_names());
  const char* any = "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256";
  const char* rsa = "RSA-PSS+SHA256:RSA+SHA256";
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_EQ(stapled(*server, version, "first.example.com", any), "");
    server->staple(0, "of the first");
    server->staple(2, "of the exact");
    server->staple(3, "of the RSA");
    EXPECT_EQ(stapled(*server, version, "first.example.com", any), "of the first");
    EXPECT_EQ(stapled(*server, version, "both.example.org", any), "of the exact");
    EXPECT_EQ(stapled(*server, version, "both.example.org", rsa), "of the RSA");
    EXPECT_EQ(stapled(*server, version, "pop.example.com", any), "");
    server->staple(0, "a newer one");
    EXPECT_EQ(stapled(*server, version, "first.example.com", any), "a newer one");
    server->staple(0, "");
  }
}

TEST(Ciphers, AreThoseOfTheOption) {
  struct Case {
    const char* specs;
    int version;
    const char* offered;  // by the client, of TLS 1.2
    const char* cipher;   // nullptr: refused
  };
  const Case cases[] = {
      {"all", TLS1_2_VERSION, "ALL", "ECDHE-ECDSA-AES128-GCM-SHA256"},
      {"all", TLS1_3_VERSION, "ALL", "TLS_AES_128_GCM_SHA256"},
      {"all", TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES256-SHA384"},
      {"all", TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA", nullptr},
      {"ecdhe_ecdsa_aes_256_gcm_sha_384", TLS1_2_VERSION, "ALL", "ECDHE-ECDSA-AES256-GCM-SHA384"},
      {"TLS_CHACHA20_POLY1305_SHA256", TLS1_3_VERSION, "ALL", "TLS_CHACHA20_POLY1305_SHA256"},
      {"TLS_CHACHA20_POLY1305_SHA256", TLS1_2_VERSION, "ALL", nullptr},
      {"ECDHE+AES256", TLS1_2_VERSION, "ALL", "ECDHE-ECDSA-AES256-GCM-SHA384"},
  };
  for (const Case& c : cases) {
    ServerOptions options = simple_server();
    options.ciphers = c.specs;
    const auto server = make_server(std::move(options));
    const RawClient raw;
    SSL_CTX_set_max_proto_version(raw.context(), c.version);
    SSL_CTX_set_cipher_list(raw.context(), c.offered);
    Pair pair(server->accept(), raw.connect());
    EXPECT_EQ(pair.handshake(), c.cipher != nullptr) << c.specs;
    if (c.cipher != nullptr) {
      EXPECT_EQ(pair.server.stream.facts().cipher, c.cipher);
    }
  }
}

TEST(ServerContext, SaysWhatIsWrong) {
  const auto refusal = [](ServerOptions options) {
    const auto made = ServerContext::create(std::move(options));
    return made ? std::string("none") : made.error().detail;
  };
  EXPECT_EQ(refusal({}), "TLS needs a certificate");
  ServerOptions options = simple_server();
  options.ciphers = "ECDHE-RSA-AES128-GCM-SHA257";
  EXPECT_EQ(refusal(std::move(options)),
            "\"ECDHE-RSA-AES128-GCM-SHA257\" is no cipher; the nearest that is one is "
            "ECDHE-RSA-AES128-GCM-SHA256");
  options = simple_server();
  options.ciphers = "HIGH:!HIGH";
  EXPECT_NE(refusal(std::move(options)).find("leaves no cipher"), std::string::npos);
  options = simple_server();
  options.authorities = "nothing";
  EXPECT_NE(refusal(std::move(options)).find("certificate authorities: "), std::string::npos);
  options = simple_server();
  options.certificates[0].key = Secret(authority().issue({}).key_pem());
  EXPECT_EQ(refusal(std::move(options)),
            "server.pem: the private key is not that of the certificate \"CN=subject\"");
  EXPECT_TRUE(check_ciphers("all"));
  EXPECT_FALSE(check_ciphers("rsa_rc4_128_md5"));
}

}  // namespace
}  // namespace openmmp::tls
