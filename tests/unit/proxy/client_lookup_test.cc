#include "workers/proxy/client_lookup.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <list>

#include "tests/unit/proxy/stub_dns.h"

namespace openmmp::proxy {
namespace {

constexpr const char* client_ptr = "1.2.0.192.in-addr.arpa";  // of 192.0.2.1

DnsRecord ptr(const std::string& of, const std::string& name) {
  return {of, dns_ptr, dns_name(name)};
}
DnsRecord address(const std::string& name, const std::string& ip) {
  const bool v6 = ip.find(':') != std::string::npos;
  return {name, v6 ? dns_aaaa : dns_a, dns_address(ip)};
}

class ClientLookupTest : public testing::Test {
 protected:
  Task<ClientName>& ask(const std::string& ip, Millis time = Seconds(3600)) {
    tasks.push_back(lookup->look_up(*SocketAddress::parse(ip, 40000), time));
    tasks.back().start();
    return tasks.back();
  }
  ClientName answer_of(Task<ClientName>& task) {
    while (!task.finished()) loop.run_turn();
    return *task.result();
  }
  ClientName look_up(const std::string& ip) { return answer_of(ask(ip)); }
  void expect(const std::string& ip, const std::string& name, bool is_false) {
    const ClientName found = look_up(ip);
    EXPECT_EQ(found.name, name);
    EXPECT_EQ(found.is_false, is_false);
    EXPECT_FALSE(found.is_unknown);
  }
  void expect_unknown(const std::string& ip) {
    const ClientName found = look_up(ip);
    EXPECT_EQ(found.name, "");
    EXPECT_FALSE(found.is_false);
    EXPECT_TRUE(found.is_unknown);
  }

  Loop loop;
  StubDns dns{loop};
  std::unique_ptr<ClientLookup> lookup = std::make_unique<ClientLookup>(loop, dns.server());
  std::list<Task<ClientName>> tasks;
};

TEST_F(ClientLookupTest, ANameThatLeadsBackIsGood) {
  dns.answer(client_ptr, {ptr(client_ptr, "Mail.Example.COM")});
  dns.answer("mail.example.com",
             {address("mail.example.com", "192.0.2.9"), address("mail.example.com", "192.0.2.1")});
  expect("192.0.2.1", "mail.example.com", false);
  expect("::ffff:192.0.2.1", "mail.example.com", false);
}

TEST_F(ClientLookupTest, OfIpv6Too) {
  const std::string of = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
  dns.answer(of, {ptr(of, "six.example")});
  dns.answer("six.example", {address("six.example", "2001:db8::1")});
  expect("2001:db8::1", "six.example", false);
}

TEST_F(ClientLookupTest, AliasesAreFollowed) {
  // As RFC 2317 delegates parts of networks.
  const std::string part = "1.0-127.2.0.192.in-addr.arpa";
  dns.answer(client_ptr, {{client_ptr, dns_cname, dns_name(part)}, ptr(part, "www.example")});
  dns.answer("www.example", {{"www.example", dns_cname, dns_name("host.example")},
                             address("host.example", "192.0.2.1")});
  expect("192.0.2.1", "www.example", false);
}

TEST_F(ClientLookupTest, NoNameIsNotAFalseOne) {
  expect("192.0.2.1", "", false);
  EXPECT_EQ(dns.asked(), 1);
}

TEST_F(ClientLookupTest, ANameThatDoesNotLeadBackIsFalse) {
  const struct {
    const char* what;
    std::vector<DnsRecord> records;
  } cases[] = {
      {"another address", {address("mail.example", "192.0.2.7")}},
      {"no address", {}},
      {"an address of somebody else", {address("other.example", "192.0.2.1")}},
  };
  dns.answer(client_ptr, {ptr(client_ptr, "mail.example")});
  expect("192.0.2.1", "", true);  // there is no such name
  for (const auto& [what, records] : cases) {
    SCOPED_TRACE(what);
    Loop own_loop;
    StubDns own(own_loop);
    own.answer(client_ptr, {ptr(client_ptr, "mail.example")});
    own.answer("mail.example", records);
    ClientLookup one(own_loop, own.server());
    Task<ClientName> task = one.look_up(*SocketAddress::parse("192.0.2.1", 1), Seconds(3600));
    task.start();
    while (!task.finished()) own_loop.run_turn();
    EXPECT_EQ(task.result()->name, "");
    EXPECT_TRUE(task.result()->is_false);
  }
}

TEST_F(ClientLookupTest, ANameThatIsNoneIsFalse) {
  // An address as a name would lead to itself.
  for (const char* name : {"192.0.2.1", "1", "a b.example", "a/b", "*.example", "x\n.example"}) {
    SCOPED_TRACE(name);
    Loop own_loop;
    StubDns own(own_loop);
    own.answer(client_ptr, {ptr(client_ptr, name)});
    ClientLookup one(own_loop, own.server());
    Task<ClientName> task = one.look_up(*SocketAddress::parse("192.0.2.1", 1), Seconds(3600));
    task.start();
    while (!task.finished()) own_loop.run_turn();
    EXPECT_EQ(task.result()->name, "");
  }
  dns.answer(client_ptr, {ptr(client_ptr, "192.0.2.1")});
  expect("192.0.2.1", "", true);
  EXPECT_EQ(dns.asked(), 1);
}

TEST_F(ClientLookupTest, TheFirstOfSeveralNamesThatLeadsBackCounts) {
  dns.answer(client_ptr, {ptr(client_ptr, "false.example"), ptr(client_ptr, "192.0.2.1"),
                          ptr(client_ptr, "good.example")});
  dns.answer("false.example", {address("false.example", "192.0.2.7")});
  dns.answer("good.example", {address("good.example", "192.0.2.1")});
  expect("192.0.2.1", "good.example", false);
}

TEST_F(ClientLookupTest, OnlySomeOfManyNamesAreTried) {
  std::vector<DnsRecord> records;
  for (int n = 0; n < 9; ++n) records.push_back(ptr(client_ptr, fmt::format("n{}.x", n)));
  dns.answer(client_ptr, records);
  expect("192.0.2.1", "", true);
  EXPECT_EQ(dns.asked(), 1 + static_cast<int>(ClientLookup::most_names));
}

TEST_F(ClientLookupTest, AServerThatFailsSaysNothing) {
  dns.fail(client_ptr);
  expect("192.0.2.1", "", false);
  dns.answer("2.2.0.192.in-addr.arpa", {ptr("2.2.0.192.in-addr.arpa", "mail.example")});
  dns.fail("mail.example");
  expect_unknown("192.0.2.2");
}

TEST_F(ClientLookupTest, MalformedAnswersSayNothing) {
  const std::string bytes[] = {
      {},                                          // a record is promised and not there
      std::string(60000, '\xff'),                  // huge
      std::string("\xc0\x0c\x00\x0c\x00\x01", 6),  // cut off
      std::string("\xc0\xff\x00\x0c\x00\x01\0\0\0\0\0\0", 12),  // a name outside of the message
      dns_name(client_ptr) + std::string("\x00\x0c\x00\x01\0\0\0\x3c\xff\xff\x01", 11),
      dns_name(client_ptr) + std::string("\x00\x0c\x00\x01\0\0\0\x3c\x00\x02\xc0\x34", 12),
  };
  for (size_t n = 0; n < std::size(bytes); ++n) {
    dns.answer_raw(fmt::format("{}.3.0.192.in-addr.arpa", n), bytes[n]);
    // A server whose answers make no sense is asked again, so not all of these end soon.
    Task<ClientName>& task = ask(fmt::format("192.0.3.{}", n), Millis(200));
    EXPECT_EQ(answer_of(task).name, "") << n;
  }
}

TEST_F(ClientLookupTest, ATruncatedAnswerIsAskedForByTcp) {
  dns.truncate(client_ptr);
  expect("192.0.2.1", "", false);  // nobody listens there
}

TEST_F(ClientLookupTest, NobodyWaitsLongerThanTheySaid) {
  dns.be_mute(client_ptr);
  EXPECT_TRUE(answer_of(ask("192.0.2.1", Millis(2))).is_unknown);
  // The query goes on, and answers the next who ask.
  Task<ClientName>& second = ask("192.0.2.1", Millis(2));
  Task<ClientName>& third = ask("192.0.2.1");
  answer_of(second);
  EXPECT_FALSE(third.finished());
}

TEST_F(ClientLookupTest, AMuteServerIsGivenUp) {
  dns.be_mute(client_ptr);
  expect("192.0.2.1", "", false);
  EXPECT_EQ(dns.asked(client_ptr), 2);
}

TEST_F(ClientLookupTest, OneQueryAnswersAllWhoAsk) {
  dns.answer(client_ptr, {ptr(client_ptr, "mail.example")});
  dns.answer("mail.example", {address("mail.example", "192.0.2.1")});
  for (int n = 0; n < 10; ++n) ask("192.0.2.1");
  for (Task<ClientName>& task : tasks) EXPECT_EQ(answer_of(task).name, "mail.example");
  EXPECT_EQ(dns.asked(client_ptr), 1);
  // Answers are not kept.
  expect("192.0.2.1", "mail.example", false);
  EXPECT_EQ(dns.asked(client_ptr), 2);
}

TEST_F(ClientLookupTest, WhoWaitsMayLeaveAtAnyTime) {
  dns.answer(client_ptr, {ptr(client_ptr, "mail.example")});
  dns.answer("mail.example", {address("mail.example", "192.0.2.1")});
  for (int turns = 0; turns < 10; ++turns) {
    ask("192.0.2.1");
    for (int turn = 0; turn < turns; ++turn) loop.run_turn();
    tasks.clear();
  }
  expect("192.0.2.1", "mail.example", false);
}

TEST_F(ClientLookupTest, MayEndBeforeItsAnswers) {
  dns.be_mute(client_ptr);
  dns.answer("2.2.0.192.in-addr.arpa", {ptr("2.2.0.192.in-addr.arpa", "mail.example")});
  dns.be_mute("mail.example");
  ask("192.0.2.1");
  ask("192.0.2.2");
  while (dns.asked("mail.example") == 0) loop.run_turn();
  tasks.clear();
  lookup.reset();
  loop.run_turn();
}

TEST_F(ClientLookupTest, ThereIsALimitOfQueries) {
  for (size_t n = 0; n < ClientLookup::most_at_once; ++n) {
    dns.be_mute(fmt::format("{}.2.0.192.in-addr.arpa", n));
    EXPECT_FALSE(ask(fmt::format("192.0.2.{}", n)).finished());
  }
  EXPECT_TRUE(ask("192.0.3.1").finished());
  EXPECT_TRUE(tasks.back().result()->is_unknown);
  // One that is being asked for already costs nothing.
  EXPECT_FALSE(ask("192.0.2.7").finished());
}

TEST(ClientLookup, ServersThatAreNoneAreNotReplacedByOthers) {
  Loop loop;
  ClientLookup lookup(loop, "no server");
  for (int n = 0; n < 2; ++n) {
    Task<ClientName> task = lookup.look_up(*SocketAddress::parse("127.0.0.1", 1), Seconds(3600));
    task.start();
    ASSERT_TRUE(task.finished());
    EXPECT_EQ(task.result()->name, "");
  }
}

}  // namespace
}  // namespace openmmp::proxy
