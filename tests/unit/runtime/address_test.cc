#include "ipc/runtime/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace openmmp {
namespace {

TEST(SocketAddress, ParsesLiteralsOnly) {
  EXPECT_EQ(SocketAddress::parse("192.0.2.1", 143)->to_string(), "192.0.2.1:143");
  EXPECT_EQ(SocketAddress::parse("2001:db8::1", 993)->to_string(), "[2001:db8::1]:993");
  EXPECT_EQ(SocketAddress::parse("::1", 0)->to_string(), "::1");
  for (const char* bad :
       {"", "localhost", "192.0.2", "192.0.2.256", "[::1]", "::1%lo", " 1.2.3.4"}) {
    EXPECT_FALSE(SocketAddress::parse(bad, 1)) << bad;
  }
  EXPECT_FALSE(SocketAddress::parse(std::string_view("192.0.2.1\0.evil", 15), 1));
}

TEST(SocketAddress, AMappedAddressIsIPv4) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(25);
  ASSERT_EQ(inet_pton(AF_INET6, "::ffff:192.0.2.7", &v6.sin6_addr), 1);
  const SocketAddress accepted = SocketAddress::from(reinterpret_cast<const sockaddr*>(&v6));
  EXPECT_EQ(accepted.family(), AF_INET);
  EXPECT_EQ(accepted.to_string(), "192.0.2.7:25");
  // Written so in a configuration it is the same address.
  EXPECT_EQ(SocketAddress::parse("::ffff:192.0.2.7", 25)->to_string(), "192.0.2.7:25");
}

TEST(SocketAddress, AnyIsNoHost) {
  for (const char* any : {"0.0.0.0", "::", "::ffff:0.0.0.0"}) {
    EXPECT_TRUE(SocketAddress::parse(any, 25)->is_any()) << any;
  }
  for (const char* host : {"127.0.0.1", "0.0.0.1", "::1", "2001:db8::"}) {
    EXPECT_FALSE(SocketAddress::parse(host, 25)->is_any()) << host;
  }
}

TEST(SocketAddress, BytesAndBack) {
  for (const char* ip : {"192.0.2.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1"}) {
    const SocketAddress address = *SocketAddress::parse(ip, 143);
    const SocketAddress again = SocketAddress::from_bytes(address.ip_bytes(), 65535);
    EXPECT_EQ(again.family(), address.family()) << ip;
    EXPECT_EQ(again.ip(), ip);
    EXPECT_EQ(again.port(), 65535) << ip;
  }
  const IpBytes mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
  EXPECT_EQ(SocketAddress::parse("192.0.2.1", 1)->ip_bytes(), mapped);
}

TEST(HostPort, Parses) {
  const struct {
    const char* text;
    const char* host;
    uint16_t port;
  } cases[] = {
      {"store1", "store1", 0},
      {"store1.example.com:1143", "store1.example.com", 1143},
      {"192.0.2.1:65535", "192.0.2.1", 65535},
      {"[2001:db8::1]:143", "2001:db8::1", 143},
      {"[2001:db8::1]", "2001:db8::1", 0},
      {"2001:db8::1", "2001:db8::1", 0},
  };
  for (const auto& c : cases) {
    const Result<HostPort> parsed = parse_host_port(c.text);
    ASSERT_TRUE(parsed) << c.text << ": " << parsed.error().detail;
    EXPECT_EQ(*parsed, HostPort(c.host, c.port)) << c.text;
  }
}

TEST(HostPort, RefusesWhatIsNone) {
  for (const char* bad : {"", ":143", "host:", "host:0", "host:65536", "host:+1", "host:1x", "a b",
                          "host\r\n", "[::1", "[::1]143", "[::1]:", "[name]:1", "1:2:3", "h:1:2"}) {
    EXPECT_FALSE(parse_host_port(bad)) << bad;
  }
}

}  // namespace
}  // namespace openmmp
