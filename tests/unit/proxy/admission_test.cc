#include "workers/proxy/admission.h"

#include <deque>

#include "tests/unit/proxy/services_fixture.h"
#include "tests/unit/proxy/sockets.h"

namespace openmmp::proxy {
namespace {

// Nothing: it was let in.
std::optional<Errc> code_of(const Result<>& result) {
  return result ? std::nullopt : std::optional(result.error().code);
}

class AdmissionTest : public ServicesFixture {
 protected:
  // A client that has come, and stays as long as the test.
  struct Client {
    explicit Client(SessionContext c) : context(std::move(c)) {}
    SessionContext context;
    Seats seats;
  };

  void SetUp() override { add_file("LdapUrl", ldif_user("joe", "mailHost: store:1\n")); }

  Client& come(const std::string& ip) { return clients_.emplace_back(context_of(ip)); }
  std::optional<Errc> admitted(Client& client) {
    return code_of(run(admit(connection_, client.context, client.seats, *services_)));
  }
  std::optional<Errc> admitted(const std::string& ip) { return admitted(come(ip)); }
  std::optional<Errc> passes(const std::string& filter, bool tls) {
    Client& client = come("192.0.2.1");
    client.context.tls_at_connect = tls;
    return code_of(run(check_filter(filter, "user joe", connection_, client.context, *services_)));
  }
  std::optional<Errc> seated(const std::string& user, Client& client) {
    directory::Route route({}, user, user);
    return code_of(run(take_user_seat(route, client.context, client.seats, *services_)));
  }

  std::pair<UniqueFd, UniqueFd> sockets_ = tcp_pair();
  Connection connection_{loop_, std::move(sockets_.first)};  // arrived at 127.0.0.1
  std::deque<Client> clients_;
};

TEST_F(AdmissionTest, IsNeededWhereThereIsSomethingToAsk) {
  const struct {
    const char* option;
    const char* value;
    bool needed;
  } cases[] = {
      {"PreAuth", "yes", false},     {"MaxUserSessions", "1", false},  {"ConnLimits", ":20", true},
      {"ClientLookup", "yes", true}, {"TCPAccess", "+imap:ALL", true},
  };
  set("ConnLimits", "");
  for (const auto& c : cases) {
    set(c.option, c.value);
    if (birth_.files.empty()) SetUp();
    Services& services = make();
    EXPECT_EQ(needs_admission(context_of("192.0.2.1"), services), c.needed) << c.option;
    birth_.settings.pop_back();
  }
}

TEST_F(AdmissionTest, CountsTheConnectionsOfAnAddress) {
  set("ConnLimits", "192.0.2.9|255.255.255.255:0,192.0.2.0/24:2,2001:db8::/32:1");
  set("ConnRejectThreshold", "2");
  make();
  EXPECT_EQ(admitted("192.0.2.1"), std::nullopt);
  EXPECT_EQ(admitted("192.0.2.1"), std::nullopt);
  EXPECT_EQ(admitted("192.0.2.2"), std::nullopt);
  EXPECT_EQ(admitted("192.0.2.9"), Errc::limit);
  // One word for each of so many, and then none.
  EXPECT_EQ(admitted("192.0.2.1"), Errc::limit);
  EXPECT_EQ(admitted("192.0.2.1"), Errc::limit);
  EXPECT_EQ(admitted("192.0.2.1"), Errc::refused);
  EXPECT_EQ(admitted("192.0.2.9"), Errc::limit);
  for (int n = 0; n < 5; ++n) EXPECT_EQ(admitted("198.51.100.1"), std::nullopt);
}

TEST_F(AdmissionTest, TakesANetworkOfIpv6ForOneClient) {
  set("ConnLimits", "2001:db8::/32:1");
  make();
  EXPECT_EQ(admitted("2001:db8::1"), std::nullopt);
  EXPECT_EQ(admitted("2001:db8:0:0:ffff::1"), Errc::limit);
  EXPECT_EQ(admitted("2001:db8:0:1::1"), std::nullopt);
}

TEST_F(AdmissionTest, GivesTheSeatBackWithTheSession) {
  set("ConnLimits", ":1");
  make();
  Client& first = come("192.0.2.1");
  EXPECT_EQ(admitted(first), std::nullopt);
  Client& second = come("192.0.2.1");
  EXPECT_EQ(admitted(second), Errc::limit);
  first.seats = Seats();
  EXPECT_EQ(admitted(second), std::nullopt);
}

TEST_F(AdmissionTest, SettlesTheVirtualDomainBeforeItsTcpAccess) {
  set("TCPAccess", "-ALL:ALL");
  add_domain("here", {"127.0.0.1"}, {{"TCPAccess", "+imap:192.0.2.0/24"}});
  make();
  Client& client = come("192.0.2.1");
  EXPECT_EQ(admitted(client), std::nullopt);
  EXPECT_EQ(client.context.domain->name, "here");
  EXPECT_EQ(admitted("198.51.100.1"), Errc::refused);
}

TEST_F(AdmissionTest, AsksAFilterAsTheServiceThatItIs) {
  const struct {
    const char* filter;
    bool tls;
    std::optional<Errc> imap;
    std::optional<Errc> pop;
  } cases[] = {
      {"", false, {}, {}},
      {"+imap:ALL", false, {}, Errc::refused},
      {"+imap:ALL", true, {}, Errc::refused},
      {"+imaps:ALL", false, Errc::refused, Errc::refused},
      {"+imaps:ALL", true, {}, Errc::refused},
      {"+pops:ALL", true, Errc::refused, {}},
      {"-pop:ALL", false, {}, Errc::refused},
      {"-ALL:198.51.100.1", false, {}, {}},
      {"-ALL:192.0.2.1", false, Errc::refused, Errc::refused},
      {"-ALL@127.0.0.1:ALL", false, Errc::refused, Errc::refused},
      {"-ALL@127.0.0.2:ALL", false, {}, {}},
      {"imap", false, Errc::unavailable, Errc::unavailable},
      {"+ALL:joe@192.0.2.1", false, Errc::unavailable, Errc::unavailable},
  };
  for (const auto& c : cases) {
    for (const bool is_imap : {true, false}) {
      birth_.files.clear();
      SetUp();
      make(is_imap ? Stores::Protocol{143, "imap"} : Stores::Protocol{110, "pop3"});
      EXPECT_EQ(passes(c.filter, c.tls), is_imap ? c.imap : c.pop) << c.filter << ' ' << is_imap;
    }
  }
}

TEST_F(AdmissionTest, CountsTheSessionsOfAUser) {
  set("MaxUserSessions", "2");
  make();
  Client& first = come("192.0.2.1");
  EXPECT_EQ(seated("joe", first), std::nullopt);
  EXPECT_EQ(seated("joe", come("192.0.2.2")), std::nullopt);
  Client& third = come("192.0.2.3");
  EXPECT_EQ(seated("joe", third), Errc::limit);
  EXPECT_EQ(seated("joe@example.com", come("192.0.2.1")), std::nullopt);
  first.seats = Seats();
  EXPECT_EQ(seated("joe", third), std::nullopt);
}

TEST_F(AdmissionTest, TakesOneNameInTwoVirtualDomainsForTwoUsers) {
  set("MaxUserSessions", "1");
  set("ConnLimits", "");
  add_domain("here", {"127.0.0.1"}, {});
  make();
  Client& here = come("192.0.2.1");
  EXPECT_EQ(admitted(here), std::nullopt);
  EXPECT_EQ(seated("joe", here), std::nullopt);
  Client& elsewhere = come("192.0.2.2");
  EXPECT_EQ(seated("joe", elsewhere), std::nullopt);
  EXPECT_EQ(seated("joe", come("192.0.2.3")), Errc::limit);
}

}  // namespace
}  // namespace openmmp::proxy
