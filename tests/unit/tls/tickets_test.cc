// Session tickets of the server's side: who takes whose, and who gets none.
#include <gtest/gtest.h>

#include <cerrno>

#include "ipc/tls/server_context.h"
#include "tests/unit/tls/fixture.h"

namespace openmmp::tls {
namespace {

TicketKey copy_of(const TicketKey& key) { return *TicketKey::from_bytes(key.bytes()); }

TicketKeys keys_of(std::initializer_list<const TicketKey*> keys) {
  TicketKeys list;
  for (const TicketKey* key : keys) list.push_back(copy_of(*key));
  return list;
}

// A full session with `server`, in which `raw` gets its tickets.
bool meet(const ServerContext& server, RawClient& raw, bool* resumed = nullptr) {
  Pair pair(server.accept(), raw.connect("mail.example.com"));
  const bool good = pair.handshake();
  if (resumed != nullptr) *resumed = pair.server.stream.facts().resumed;
  if (good && pair.client.last_errno != EAGAIN) ADD_FAILURE() << pair.client.stream.error();
  const SSL* ssl = pair.client.stream.get();
  if (SSL_session_reused(ssl) == 1 && SSL_version(ssl) == TLS1_2_VERSION) {
    raw.keep(pair.client.stream);
  }
  return good;
}

class Tickets : public testing::TestWithParam<int> {
 protected:
  Tickets() { SSL_CTX_set_max_proto_version(raw_.context(), GetParam()); }
  const TicketKey old_ = TicketKey::random();
  const TicketKey new_ = TicketKey::random();
  RawClient raw_;
  bool resumed_ = false;
};

TEST_P(Tickets, AreTakenByAnotherContextWithTheSameKeys) {
  const auto one = make_server(simple_server());
  const auto other = make_server(simple_server());
  one->set_ticket_keys(keys_of({&old_}));
  other->set_ticket_keys(keys_of({&new_, &old_}));
  ASSERT_TRUE(meet(*one, raw_));
  ASSERT_NE(raw_.session(), nullptr);
  ASSERT_TRUE(meet(*other, raw_, &resumed_));
  EXPECT_TRUE(resumed_);
}

TEST_P(Tickets, AreRenewedWhenTheirKeyIsOld) {
  const auto server = make_server(simple_server());
  server->set_ticket_keys(keys_of({&old_}));
  ASSERT_TRUE(meet(*server, raw_));
  server->set_ticket_keys(keys_of({&new_, &old_}));
  ASSERT_TRUE(meet(*server, raw_, &resumed_));
  EXPECT_TRUE(resumed_);
  server->set_ticket_keys(keys_of({&new_}));
  ASSERT_TRUE(meet(*server, raw_, &resumed_));
  EXPECT_TRUE(resumed_);
}

// Clients use a ticket of TLS 1.3 once only.
TEST(Tickets13, EveryResumptionGivesANewOne) {
  const auto server = make_server(simple_server());
  TicketKeys keys;
  keys.push_back(TicketKey::random());
  server->set_ticket_keys(std::move(keys));
  RawClient raw;
  ASSERT_TRUE(meet(*server, raw));
  for (int i = 0; i < 3; ++i) {
    const SSL_SESSION* before = raw.session();
    bool resumed = false;
    ASSERT_TRUE(meet(*server, raw, &resumed));
    EXPECT_TRUE(resumed);
    EXPECT_NE(raw.session(), before);
  }
}

TEST_P(Tickets, OfForgottenKeysAreNotTaken) {
  const auto server = make_server(simple_server());
  server->set_ticket_keys(keys_of({&old_}));
  ASSERT_TRUE(meet(*server, raw_));
  server->set_ticket_keys(keys_of({&new_}));
  ASSERT_TRUE(meet(*server, raw_, &resumed_));
  EXPECT_FALSE(resumed_);
}

TEST_P(Tickets, OfAnotherScopeAreNotTaken) {
  ServerOptions options = simple_server();
  options.scope = "pop3";
  const auto imap = make_server(simple_server());
  const auto pop3 = make_server(std::move(options));
  imap->set_ticket_keys(keys_of({&old_}));
  pop3->set_ticket_keys(keys_of({&old_}));
  ASSERT_TRUE(meet(*imap, raw_));
  ASSERT_TRUE(meet(*pop3, raw_, &resumed_));
  EXPECT_FALSE(resumed_);
}

TEST_P(Tickets, WithoutKeysThereAreNone) {
  const auto server = make_server(simple_server());
  ASSERT_TRUE(meet(*server, raw_));
  EXPECT_EQ(raw_.session(), nullptr);
  server->set_ticket_keys(keys_of({&old_}));
  ASSERT_TRUE(meet(*server, raw_));
  ASSERT_NE(raw_.session(), nullptr);
  server->set_ticket_keys({});
  ASSERT_TRUE(meet(*server, raw_, &resumed_));
  EXPECT_FALSE(resumed_);
}

TEST_P(Tickets, KeysMayGoDuringAHandshake) {
  const auto server = make_server(simple_server());
  server->set_ticket_keys(keys_of({&old_}));
  Pair pair(server->accept(), raw_.connect());
  (void)pair.client.handshake();
  pair.carry();
  (void)pair.server.handshake();
  pair.carry();
  server->set_ticket_keys({});
  EXPECT_TRUE(pair.handshake()) << pair.reason();
  EXPECT_EQ(pair.client.last_errno, EAGAIN) << pair.client.stream.error();
}

TEST_P(Tickets, OfOneNameAreTakenForAnotherOfTheService) {
  const auto server = make_server(many_names());
  server->set_ticket_keys(keys_of({&old_}));
  for (const char* name : {"pop.example.com", "imap.example.com", "imap.example.com"}) {
    Pair pair(server->accept(), raw_.connect(name));
    EXPECT_TRUE(pair.handshake()) << pair.reason();
    resumed_ = pair.server.stream.facts().resumed;
  }
  EXPECT_TRUE(resumed_);
}

// What carries an identity is never resumed, whichever side would like to.
TEST_P(Tickets, ThereAreNoneForClientsThatShowedACertificate) {
  ServerOptions options = simple_server();
  options.authorities = authority().pem();
  const auto server = make_server(std::move(options));
  server->set_ticket_keys(keys_of({&old_}));
  Wish wish;
  wish.names = {};
  wish.subject = {{"O", "example"}, {"CN", "alice"}};
  const Issued alice = authority().issue(wish);
  SSL_CTX_use_cert_and_key(raw_.context(), alice.certificate.get(), alice.key.get(), nullptr, 1);
  for (int i = 0; i < 2; ++i) {
    Pair pair(server->accept(), raw_.connect("mail.example.com"));
    ASSERT_TRUE(pair.handshake()) << pair.reason();
    EXPECT_EQ(pair.client.last_errno, EAGAIN) << pair.client.stream.error();
    EXPECT_FALSE(pair.server.stream.facts().resumed);
    const auto shown = pair.server.stream.peer_certificate();
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->subject, "CN=alice,O=example");
    EXPECT_EQ(shown->issuer, "CN=Test CA");
    EXPECT_EQ(shown->der, alice.der());
    EXPECT_EQ(shown->fingerprint.size(), 64u);
  }
  if (GetParam() == TLS1_3_VERSION) {
    EXPECT_EQ(raw_.session(), nullptr);
  }
}

TEST_P(Tickets, AreThereForClientsThatShowedNone) {
  ServerOptions options = simple_server();
  options.authorities = authority().pem();
  const auto server = make_server(std::move(options));
  server->set_ticket_keys(keys_of({&old_}));
  ASSERT_TRUE(meet(*server, raw_));
  Pair pair(server->accept(), raw_.connect("mail.example.com"));
  ASSERT_TRUE(pair.handshake());
  EXPECT_TRUE(pair.server.stream.facts().resumed);
  EXPECT_FALSE(pair.server.stream.peer_certificate());
}

INSTANTIATE_TEST_SUITE_P(Versions, Tickets, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

}  // namespace
}  // namespace openmmp::tls
