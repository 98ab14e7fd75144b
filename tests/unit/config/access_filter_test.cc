#include "config/access_filter.h"

#include <gtest/gtest.h>

namespace openmmp::config {
namespace {

struct Client {
  const char* service = "imap";
  bool tls = false;
  const char* ip = "10.1.2.3";
  const char* name = "";
  bool name_is_false = false;
  const char* local = "192.0.2.1";
};

AccessQuery query_of(const Client& client) {
  AccessQuery query;
  query.service = client.service;
  query.tls = client.tls;
  query.client = *SocketAddress::parse(client.ip, 40000);
  query.local = *SocketAddress::parse(client.local, 143);
  query.name = client.name;
  query.name_is_false = client.name_is_false;
  return query;
}

struct Case {
  std::string_view filter;
  Client client;
  bool admitted;
};

template <size_t size>
void check(const Case (&cases)[size]) {
  for (const Case& one : cases) {
    const auto filter = AccessFilter::parse(one.filter);
    ASSERT_TRUE(filter) << one.filter << ": " << filter.error().detail;
    EXPECT_EQ(filter->admits(query_of(one.client)), one.admitted)
        << one.filter << " for " << one.client.service << (one.client.tls ? " with TLS " : " ")
        << one.client.ip << " " << one.client.name;
  }
}

TEST(AccessFilter, GrantsBeforeItDenies) {
  check({
      {"", {}, true},
      {"  $ ", {}, true},
      {"+imap:ALL", {}, true},
      {"-imap:ALL", {}, false},
      {"-imap:ALL$+imap:10.", {}, true},
      {"+imap:10.$-imap:ALL", {}, true},
      {"+imap:11.$-imap:ALL", {}, false},
      // Only "-" rules, or both: who is not named is let in.
      {"-imap:11.", {}, true},
      {"+imap:11.$-imap:12.", {}, true},
      // Only "+" rules: who is not named is not.
      {"+imap:11.", {}, false},
      {"+pop:ALL", {}, false},
      {"+pop:ALL$-smtp:ALL", {}, true},
      {" + imap : 10. ", {}, true},
  });
}

TEST(AccessFilter, KnowsServices) {
  check({
      {"+IMAP:*", {}, true},
      {"+ALL:*", {"pop"}, true},
      {"+*:*", {"smtp", true}, true},
      {"+pop,smtp imap:*", {}, true},
      {"+pop:*", {"pop", true}, true},
      {"+imaps:*", {"imap", false}, false},
      {"+imaps:*", {"imap", true}, true},
      // A filter that names imaps means imap without TLS by imap.
      {"+imap:*", {"imap", true}, true},
      {"+imap:*$-imaps:*", {"imap", true}, false},
      {"+imap:*$-imaps:*", {"imap", false}, true},
      {"+imap:*$+pops:*", {"imap", true}, true},
      {"+pop:*$-pops:11.", {"pop", true}, true},
      {"-pop:*$-pops:11.", {"pop", true}, true},
      {"+http,smime:*", {}, false},
      {"+ALL EXCEPT pop:*", {}, true},
      {"+ALL EXCEPT pop:*", {"pop"}, false},
      {"-ALL EXCEPT imap:*", {"smtps"}, false},
      // By our own address.
      {"+imap@192.0.2.1:*", {}, true},
      {"+imap@192.0.2.2:*", {}, false},
      {"+imap@192.0.2.0/24:*", {}, true},
      {"+imap@ALL:*", {}, true},
      {"+imap@[2001:db8::1]:10.", {"imap", false, "10.1.2.3", "", false, "2001:db8::1"}, true},
      {"+imap@[2001:db8::2]:10.", {"imap", false, "10.1.2.3", "", false, "2001:db8::1"}, false},
  });
}

TEST(AccessFilter, KnowsAddresses) {
  check({
      {"+imap:10.1.2.3", {}, true},
      {"+imap:10.1.2.4", {}, false},
      {"+imap:10.1.2.4,10.1.2.3", {}, true},
      {"+imap:10.1.2.4 10.1.2.3", {}, true},
      {"+imap:10.1.", {}, true},
      {"+imap:10.1.2.", {}, true},
      {"+imap:10.2.", {}, false},
      {"+imap:1.", {}, false},
      {"+imap:10.0.0.0/255.0.0.0", {}, true},
      {"+imap:10.0.0.0/255.255.0.0", {}, false},
      {"+imap:10.0.0.0/8", {}, true},
      {"+imap:0.0.0.0/0", {}, true},
      {"+imap:10.1.2.3", {"imap", false, "::ffff:10.1.2.3"}, true},
      {"+imap:[2001:db8::1]", {"imap", false, "2001:db8::1"}, true},
      {"+imap:[2001:db8::]/32", {"imap", false, "2001:db8::1"}, true},
      {"+imap:2001:db8::/32", {"imap", false, "2001:db8::1"}, true},
      {"+imap:[2001:db8::]/32", {"imap", false, "2001:db9::1"}, false},
      {"+imap:0.0.0.0/0", {"imap", false, "2001:db8::1"}, false},
      {"+imap:ALL EXCEPT 10.1.", {}, false},
      {"+imap:ALL EXCEPT 10.2.", {}, true},
      {"+imap:ALL EXCEPT 10. EXCEPT 10.1.", {}, true},
      {"+imap:ALL EXCEPT 10. except 10.2.", {}, false},
      {"+imap:ALL EXCEPT 10. EXCEPT 10.1. EXCEPT 10.1.2.3", {}, false},
      {"+imap:11. EXCEPT 10.", {}, false},
      {"+imap:*@10.1.2.3", {}, true},
      {"+imap:ALL@10.1.2.3", {}, true},
  });
}

TEST(AccessFilter, KnowsNames) {
  const Client named{"imap", false, "10.1.2.3", "mail.Example.com"};
  const Client local{"imap", false, "10.1.2.3", "mail"};
  const Client nameless{};
  const Client spoofer{"imap", false, "10.1.2.3", "", true};
  check({
      {"+imap:mail.example.com", named, true},
      {"+imap:Mail.example.COM", named, true},
      {"+imap:example.com", named, false},
      {"+imap:.example.com", named, true},
      {"+imap:.EXAMPLE.com", named, true},
      {"+imap:.ample.com", named, false},
      {"+imap:.mail.example.com", named, false},
      {"+imap:.com", nameless, false},
      {"+imap:LOCAL", local, true},
      {"+imap:LOCAL", named, false},
      {"+imap:local", nameless, false},
      {"+imap:KNOWN", named, true},
      {"+imap:KNOWN", nameless, false},
      {"+imap:KNOWN", spoofer, false},
      {"+imap:UNKNOWN", named, false},
      {"+imap:UNKNOWN", nameless, true},
      {"+imap:UNKNOWN", spoofer, true},
      {"+imap:DNSSPOOFER", spoofer, true},
      {"+imap:DNSSPOOFER", nameless, false},
      {"-imap:DNSSPOOFER", spoofer, false},
      {"-imap:.example.com", named, false},
      // No name, no match: to deny these too takes UNKNOWN.
      {"-imap:.example.com", nameless, true},
      {"-imap:.example.com UNKNOWN", nameless, false},
      {"-imap:ALL EXCEPT .example.com", nameless, false},
  });
}

TEST(AccessFilter, SaysWhatItMustKnow) {
  const struct {
    std::string_view filter;
    bool name;
    bool ident;
  } cases[] = {
      {"", false, false},
      {"+imap:10. 10.0.0.0/8 ALL EXCEPT 10.1.2.3", false, false},
      {"+imap@10.0.0.1:ALL", false, false},
      {"+imap:mail.example.com", true, false},
      {"+imap:ALL EXCEPT .example.com", true, false},
      {"-pop:LOCAL", true, false},
      {"-pop:KNOWN", true, false},
      {"-pop:UNKNOWN", true, false},
      {"-pop:DNSSPOOFER", true, false},
      {"+imap:ALL@ALL", false, false},
      {"+imap:joe@ALL", false, true},
      {"-pop:KNOWN@host", true, true},
  };
  for (const auto& [text, name, ident] : cases) {
    const auto filter = AccessFilter::parse(text);
    ASSERT_TRUE(filter) << text;
    EXPECT_EQ(filter->needs_name(), name) << text;
    EXPECT_EQ(filter->needs_ident(), ident) << text;
    EXPECT_EQ(filter->empty(), text.empty());
    EXPECT_FALSE(ident && filter->admits(query_of({}))) << text;
  }
}

TEST(AccessFilter, SaysWhatIsNone) {
  const struct {
    std::string_view filter;
    std::string_view why;
  } cases[] = {
      {"imap:ALL", "accepted: +SERVICES:CLIENTS"},
      {"+imap", "accepted: +SERVICES:CLIENTS"},
      {"+", "accepted: +SERVICES:CLIENTS"},
      {"+imap@[::1]", "accepted: +SERVICES:CLIENTS"},
      {"+imap:ALL$pop:ALL", "'pop:ALL' is no rule"},
      {"+:ALL", "is no list"},
      {"+imap:", "is no list"},
      {"+imap: , ", "is no list"},
      {"+imap:ALL EXCEPT", "is no list"},
      {"+imap:EXCEPT ALL", "is no list"},
      {"+imap:ALL EXCEPT EXCEPT 10.", "is no list"},
      {"+imp:ALL", "'imp' is no service; accepted: imap, imaps"},
      {"+imap@host:ALL", "is no address of ours"},
      {"+imap@:ALL", "'' is no client"},
      {"+imap:10.1", "'10.1' is no client"},
      {"+imap:256.", "'256.' is no client"},
      {"+imap:1.2.3.4.", "is no client"},
      {"+imap:10..", "is no client"},
      {"+imap:10.0.0.0/33", "is no client"},
      {"+imap:10.0.0.0/255.0.255.0", "is no client"},
      {"+imap:host/24", "is no client"},
      {"+imap:[2001:db8::", "is no client"},
      {"+imap:*.example.com", "is no client"},
      {"+imap:.", "is no client"},
      {"+imap:a..b", "is no client"},
      {"+imap:joe@", "is no client"},
      {"+imap:h\x01st", "'h st' is no client"},
  };
  for (const auto& [text, why] : cases) {
    const auto filter = AccessFilter::parse(text);
    ASSERT_FALSE(filter) << text;
    EXPECT_EQ(filter.error().code, Errc::protocol);
    EXPECT_NE(filter.error().detail.find(why), std::string::npos) << filter.error().detail;
  }
}

TEST(AccessFilter, IsBounded) {
  EXPECT_FALSE(AccessFilter::parse("+imap:" + std::string(20000, 'a')));
  std::string rules;
  for (int i = 0; i < 256; ++i) rules += "+ALL:*$";
  EXPECT_TRUE(AccessFilter::parse(rules));
  EXPECT_FALSE(AccessFilter::parse(rules + "+ALL:*"));
  std::string names = "+ALL:";
  for (int i = 0; i < 2000; ++i) names += "* ";
  EXPECT_FALSE(AccessFilter::parse(names));
}

}  // namespace
}  // namespace openmmp::config
