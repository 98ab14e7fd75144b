#include "ipc/runtime/network.h"

#include <gtest/gtest.h>

namespace openmmp {
namespace {

SocketAddress address(const char* ip) { return *SocketAddress::parse(ip, 4321); }

TEST(Network, IsWrittenInOneForm) {
  const struct {
    const char* text;
    const char* form;
  } cases[] = {
      {"192.0.2.0/24", "192.0.2.0/24"},
      {"192.0.2.1", "192.0.2.1"},
      {"192.0.2.1/32", "192.0.2.1"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"192.0.2.0|255.255.255.0", "192.0.2.0/24"},
      {"192.0.2.77|255.255.255.0", "192.0.2.0/24"},
      {"192.0.2.128|255.255.255.128", "192.0.2.128/25"},
      {"192.0.2.1|255.255.255.255", "192.0.2.1"},
      {"0.0.0.0|0.0.0.0", "0.0.0.0/0"},
      {"2001:DB8::/32", "2001:db8::/32"},
      {"2001:db8::|ffff:ffff::", "2001:db8::/32"},
      {"2001:db8::1", "2001:db8::1"},
      {"::/0", "::/0"},
      {"::1/128", "::1"},
      {"fe80::/10", "fe80::/10"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"::ffff:192.0.2.0/120", "192.0.2.0/24"},
      {"::ffff:0.0.0.0/96", "0.0.0.0/0"},
  };
  for (const auto& c : cases) {
    const Result<Network> network = Network::parse(c.text);
    ASSERT_TRUE(network) << c.text << ": " << network.error().detail;
    EXPECT_EQ(network->to_string(), c.form) << c.text;
    EXPECT_EQ(*Network::parse(network->to_string()), *network) << c.text;
  }
}

TEST(Network, RefusesWhatIsNone) {
  const std::string cases[] = {
      "",
      "/",
      "/24",
      "|",
      "host",
      "192.0.2/24",
      "192.0.2.0/",
      "192.0.2.0/33",
      "192.0.2.0/-1",
      "192.0.2.0/+8",
      "192.0.2.0/ 8",
      "192.0.2.0/24/24",
      "192.0.2.0/4294967320",
      "192.0.2.0/255.255.255.0",
      "192.0.2.0|24",
      "192.0.2.0|",
      "192.0.2.0|255.0.255.0",
      "192.0.2.0|0.0.0.255",
      "192.0.2.0|255.255.255.1",
      "192.0.2.0|ffff::",
      "192.0.2.1/24",
      "192.0.2.010/32",
      "[2001:db8::]/32",
      "2001:db8::/129",
      "2001:db8::1/32",
      "2001:db8::|255.255.0.0",
      "2001:db8::|ffff:0:ffff::",
      "::ffff:192.0.2.0/24",
      "::ffff:0.0.0.0/95",
      "fe80::1%lo/64",
      " 192.0.2.1",
      std::string("192.0.2.0\0/24", 13),
      std::string("192.0.2.0/24\0", 13),
      std::string(100000, '1'),
  };
  for (const std::string& text : cases) {
    const Result<Network> network = Network::parse(text);
    ASSERT_FALSE(network) << text.substr(0, 100);
    EXPECT_LT(network.error().detail.size(), 300u);
  }
}

TEST(Network, SaysWhatWouldBeAccepted) {
  EXPECT_EQ(Network::parse("10.0.0.1/8").error().detail,
            "'10.0.0.1/8' has an address inside of its network; accepted: 10.0.0.0/8 or 10.0.0.1");
}

TEST(Network, Contains) {
  const struct {
    const char* network;
    const char* ip;
    bool contains;
  } cases[] = {
      {"192.0.2.0/24", "192.0.2.0", true},
      {"192.0.2.0/24", "192.0.2.255", true},
      {"192.0.2.0/24", "192.0.3.0", false},
      {"192.0.2.0/24", "::ffff:192.0.2.9", true},
      {"192.0.2.0/24", "::c000:209", false},
      {"192.0.2.128/25", "192.0.2.127", false},
      {"192.0.2.128/25", "192.0.2.128", true},
      {"192.0.2.4/31", "192.0.2.5", true},
      {"192.0.2.4/31", "192.0.2.6", false},
      {"192.0.2.4", "192.0.2.4", true},
      {"192.0.2.4", "192.0.2.5", false},
      {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "2001:db8::1", true},
      {"::/0", "192.0.2.1", false},
      {"::/0", "::ffff:192.0.2.1", false},
      {"::ffff:192.0.2.0/120", "192.0.2.1", true},
      {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false},
      {"::1", "::1", true},
      {"::1", "127.0.0.1", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Network::parse(c.network)->contains(address(c.ip)), c.contains)
        << c.network << " " << c.ip;
  }
}

TEST(Networks, AListContainsWhatAnyOfItDoes) {
  const Result<Networks> list = Networks::parse(" 192.0.2.0/24,\t2001:db8::/32 , 127.0.0.1,,");
  ASSERT_TRUE(list) << list.error().detail;
  EXPECT_EQ(list->to_string(), "192.0.2.0/24 2001:db8::/32 127.0.0.1");
  EXPECT_TRUE(list->contains(address("192.0.2.200")));
  EXPECT_TRUE(list->contains(address("2001:db8::7")));
  EXPECT_TRUE(list->contains(address("127.0.0.1")));
  EXPECT_FALSE(list->contains(address("127.0.0.2")));
}

TEST(Networks, AnEmptyListContainsNobody) {
  for (const char* text : {"", "  ", ","}) {
    const Result<Networks> list = Networks::parse(text);
    ASSERT_TRUE(list) << text;
    EXPECT_TRUE(list->empty());
    EXPECT_FALSE(list->contains(address("127.0.0.1")));
    EXPECT_FALSE(list->contains(address("::")));
  }
}

TEST(Networks, OneBadNetworkSpoilsTheList) {
  EXPECT_EQ(Networks::parse("192.0.2.0/24 localhost ::1").error().detail,
            "'localhost' is not a network; accepted: 192.0.2.0/24, 2001:db8::/32, or an IP "
            "address");
  EXPECT_FALSE(Networks::parse("192.0.2.0/24;10.0.0.0/8"));
}

}  // namespace
}  // namespace openmmp
