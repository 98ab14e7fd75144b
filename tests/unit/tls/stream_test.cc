#include "ipc/tls/stream.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "tests/unit/tls/fixture.h"

namespace openmmp::tls {
namespace {

struct Sides {
  std::unique_ptr<ServerContext> server = make_server(simple_server());
  std::unique_ptr<ClientContext> client = make_client(simple_client());
  Pair pair() const { return Pair(server->accept(), client->connect({"mail.example.com", 993})); }
};

TEST(Stream, CarriesTextBothWays) {
  const Sides sides;
  Pair pair = sides.pair();
  ASSERT_TRUE(pair.handshake()) << pair.reason();
  EXPECT_EQ(pair.server.stream.facts().version, "TLSv1.3");
  EXPECT_EQ(pair.server.stream.facts().server_name, "mail.example.com");
  EXPECT_FALSE(pair.server.stream.facts().resumed);
  ASSERT_TRUE(pair.server.stream.write("* OK hello\r\n"));
  ASSERT_TRUE(pair.client.stream.write("a LOGOUT\r\n"));
  pair.carry();
  EXPECT_EQ(pair.client.read(), "* OK hello\r\n");
  EXPECT_EQ(pair.client.last_errno, EAGAIN);
  EXPECT_EQ(pair.server.read(), "a LOGOUT\r\n");
}

TEST(Stream, HandshakeInAnyPieces) {
  for (const size_t piece : {1u, 2u, 3u, 5u, 7u, 100u, 1000u}) {
    const Sides sides;
    Pair pair = sides.pair();
    pair.server.in.piece = pair.client.in.piece = piece;
    ASSERT_TRUE(pair.handshake()) << piece << ": " << pair.reason();
  }
}

// The client's first flight arrives in two parts, cut at every byte.
TEST(Stream, HandshakeSplitAtEveryByte) {
  const Sides sides;
  size_t size = 2;
  for (size_t cut = 1; cut < size; ++cut) {
    Pair pair = sides.pair();
    (void)pair.client.handshake();
    const std::string hello = std::exchange(pair.client.stream.output(), {});
    size = hello.size();
    pair.server.in.bytes = hello.substr(0, cut);
    const auto progress = pair.server.handshake();
    ASSERT_TRUE(progress && *progress == Stream::Progress::wait) << cut;
    ASSERT_TRUE(pair.server.stream.output().empty()) << cut;
    pair.server.in.bytes = hello.substr(cut);
    ASSERT_TRUE(pair.handshake()) << cut;
  }
  EXPECT_GT(size, 100u);
}

TEST(Stream, WritesMuchAtOnceAndReadsItInLargePieces) {
  const Sides sides;
  Pair pair = sides.pair();
  ASSERT_TRUE(pair.handshake());
  std::string text(256 * 1024, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31 >> 4);
  ASSERT_TRUE(pair.server.stream.write(text));
  pair.carry();
  EXPECT_GT(pair.client.in.bytes.size(), text.size());
  EXPECT_TRUE(pair.server.stream.output().empty());
  EXPECT_LT(pair.server.stream.output().capacity(), 64u);
  std::string room(text.size(), '\0');
  EXPECT_EQ(pair.client.stream.read(pair.client.in.transport(), room.data(), room.size()),
            static_cast<ssize_t>(text.size()));
  EXPECT_EQ(room, text);
}

TEST(Stream, CloseIsHeardOnce) {
  const Sides sides;
  Pair pair = sides.pair();
  ASSERT_TRUE(pair.handshake());
  pair.server.stream.close();
  const size_t size = pair.server.stream.output().size();
  EXPECT_GT(size, 0u);
  pair.server.stream.close();
  EXPECT_EQ(pair.server.stream.output().size(), size);
  pair.carry();
  EXPECT_EQ(pair.client.read(), "");
  EXPECT_EQ(pair.client.last, 0);
  EXPECT_FALSE(pair.client.stream.truncated());
  // The other half goes on.
  ASSERT_TRUE(pair.client.stream.write("last words"));
  pair.carry();
  EXPECT_EQ(pair.server.read(), "last words");
}

TEST(Stream, AnEndWithoutCloseNotifyIsNoProperEnd) {
  const Sides sides;
  Pair pair = sides.pair();
  ASSERT_TRUE(pair.handshake());
  ASSERT_TRUE(pair.client.stream.write("a LOGOUT\r\n"));
  pair.carry();
  pair.server.in.ended = true;
  EXPECT_EQ(pair.server.read(), "a LOGOUT\r\n");
  EXPECT_EQ(pair.server.last, -1);
  EXPECT_EQ(pair.server.last_errno, EPROTO);
  EXPECT_TRUE(pair.server.stream.truncated());
  EXPECT_EQ(pair.server.stream.error(), "closed without close_notify");
  EXPECT_TRUE(pair.server.stream.write("* BYE\r\n"));
  pair.carry();
  EXPECT_EQ(pair.client.read(), "* BYE\r\n");
}

TEST(Stream, AnEndInsideARecordIsNoProperEnd) {
  const Sides sides;
  Pair pair = sides.pair();
  ASSERT_TRUE(pair.handshake());
  ASSERT_TRUE(pair.client.stream.write("a LOGOUT\r\n"));
  pair.carry();
  pair.server.in.bytes.pop_back();
  pair.server.in.ended = true;
  EXPECT_EQ(pair.server.read(), "");
  EXPECT_EQ(pair.server.last_errno, EPROTO);
  EXPECT_TRUE(pair.server.stream.truncated());
}

TEST(Stream, AForgedRecordEndsTheSession) {
  const Sides sides;
  Pair pair = sides.pair();
  ASSERT_TRUE(pair.handshake());
  ASSERT_TRUE(pair.client.stream.write("good"));
  ASSERT_TRUE(pair.client.stream.write("forged"));
  pair.carry();
  pair.server.in.bytes.back() ^= 1;
  EXPECT_EQ(pair.server.read(), "good");
  EXPECT_EQ(pair.server.last_errno, EPROTO);
  EXPECT_FALSE(pair.server.stream.truncated());
  EXPECT_NE(pair.server.stream.error().find("bad record mac"), std::string::npos)
      << pair.server.stream.error();
  EXPECT_FALSE(pair.server.stream.write("more"));
  pair.carry();
  EXPECT_EQ(pair.client.read(), "");
  EXPECT_EQ(pair.client.stream.error(), "the peer sent the alert \"bad record mac\"");
}

TEST(Stream, RefusesWhatIsNoTls) {
  const Sides sides;
  const std::string cases[] = {
      "GET / HTTP/1.1\r\nHost: mail.example.com\r\n\r\n",
      "a LOGIN joe secret\r\n",
      std::string(100, '\0'),
      std::string(100, '\xff'),
      "\x16\x03\x01\x40\x01" + std::string(20000, 'x'),
      std::string("\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9),
      std::string("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", 11) + std::string(40, 'x'),
  };
  for (const std::string& garbage : cases) {
    Peer server(sides.server->accept());
    server.in.bytes = garbage;
    const auto progress = server.handshake();
    ASSERT_FALSE(progress) << garbage.substr(0, 20);
    EXPECT_EQ(progress.error().code, Errc::protocol);
    EXPECT_FALSE(progress.error().detail.empty());
    EXPECT_EQ(ERR_peek_error(), 0u);
    EXPECT_FALSE(server.handshake());  // and it stays so
  }
}

TEST(Stream, AnEndDuringTheHandshakeSaysSo) {
  const Sides sides;
  Peer server(sides.server->accept());
  server.in.ended = true;
  const auto progress = server.handshake();
  ASSERT_FALSE(progress);
  EXPECT_EQ(progress.error().code, Errc::closed);
  EXPECT_EQ(progress.error().detail, "closed during the TLS handshake");
}

TEST(Stream, PassesOnTheErrorOfTheTransport) {
  const Sides sides;
  Pair pair = sides.pair();
  ASSERT_TRUE(pair.handshake());
  char buffer[16];
  const Transport broken{nullptr, [](void*, char*, size_t) -> ssize_t {
                           errno = ECONNRESET;
                           return -1;
                         }};
  EXPECT_EQ(pair.server.stream.read(broken, buffer, sizeof buffer), -1);
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_FALSE(pair.server.stream.truncated());
}

TEST(Stream, RefusesToNegotiateAgain) {
  const Sides sides;
  RawClient raw;
  SSL_CTX_set_max_proto_version(raw.context(), TLS1_2_VERSION);
  Pair pair(sides.server->accept(), raw.connect("mail.example.com"));
  ASSERT_TRUE(pair.handshake()) << pair.reason();
  EXPECT_EQ(pair.server.stream.facts().version, "TLSv1.2");
  ASSERT_EQ(SSL_renegotiate(pair.client.stream.get()), 1);
  (void)pair.client.handshake();
  pair.carry();
  EXPECT_EQ(pair.server.read(), "");
  EXPECT_EQ(pair.server.last_errno, EAGAIN);
  pair.carry();
  EXPECT_FALSE(pair.client.handshake());  // no_renegotiation
}

TEST(Stream, AnswersKeyUpdates) {
  const Sides sides;
  RawClient raw;
  Pair pair(sides.server->accept(), raw.connect());
  ASSERT_TRUE(pair.handshake());
  ASSERT_EQ(SSL_key_update(pair.client.stream.get(), SSL_KEY_UPDATE_REQUESTED), 1);
  ASSERT_TRUE(pair.client.stream.write("after"));
  pair.carry();
  EXPECT_EQ(pair.server.read(), "after");
  ASSERT_TRUE(pair.server.stream.write("answer"));
  pair.carry();
  EXPECT_EQ(pair.client.read(), "answer");
}

TEST(Stream, MovesWhileItIsUsed) {
  const Sides sides;
  Pair pair = sides.pair();
  (void)pair.client.handshake();
  Pair moved = std::move(pair);
  ASSERT_TRUE(moved.handshake()) << moved.reason();
}

TEST(Binding, BothSidesHaveTheSame) {
  struct Case {
    int version;
    Binding kind;
    bool there;
  };
  const Case cases[] = {
      {TLS1_3_VERSION, Binding::tls_exporter, true},
      {TLS1_3_VERSION, Binding::tls_unique, false},
      {TLS1_3_VERSION, Binding::tls_server_end_point, true},
      {TLS1_2_VERSION, Binding::tls_exporter, false},
      {TLS1_2_VERSION, Binding::tls_unique, true},
      {TLS1_2_VERSION, Binding::tls_server_end_point, true},
  };
  const Sides sides;
  for (const Case& c : cases) {
    RawClient raw;
    SSL_CTX_set_max_proto_version(raw.context(), c.version);
    Pair pair(sides.server->accept(), raw.connect());
    ASSERT_TRUE(pair.handshake());
    const auto ours = pair.server.stream.binding(c.kind);
    EXPECT_EQ(ours.has_value(), c.there) << c.version << ' ' << static_cast<int>(c.kind);
    EXPECT_EQ(ours, pair.client.stream.binding(c.kind));
    if (ours) {
      EXPECT_GE(ours->size(), 12u);
    }
  }
}

TEST(Binding, EndPointIsTheHashOfTheCertificate) {
  const Issued issued = authority().issue({});
  ServerOptions options;
  options.certificates.push_back(issued.text());
  const auto server = make_server(std::move(options));
  const auto client = make_client(simple_client());
  Pair pair(server->accept(), client->connect({"mail.example.com", 993}));
  ASSERT_TRUE(pair.handshake());
  unsigned char hash[32];
  unsigned size = 0;
  X509_digest(issued.certificate.get(), EVP_sha256(), hash, &size);
  EXPECT_EQ(pair.server.stream.binding(Binding::tls_server_end_point),
            std::string(hash, hash + size));
}

}  // namespace
}  // namespace openmmp::tls
