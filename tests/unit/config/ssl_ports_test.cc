#include "config/ssl_ports.h"

#include <gtest/gtest.h>

namespace openmmp::config {
namespace {

TEST(SslPorts, TellTlsByLocalAddress) {
  const struct {
    std::string_view ports;
    std::string_view ip;
    uint16_t port;
    bool is_ssl;
  } cases[] = {
      {"", "192.0.2.1", 993, false},
      {"993", "192.0.2.1", 993, true},
      {"993", "2001:db8::1", 993, true},
      {"993", "192.0.2.1", 143, false},
      {"143|993", "192.0.2.1", 993, true},
      {"127.0.0.1:1993", "127.0.0.1", 1993, true},
      {"127.0.0.1:1993", "127.0.0.2", 1993, false},
      {"[2001:DB8:0::1]:993", "2001:db8::1", 993, true},
      {"[::ffff:192.0.2.1]:993", "192.0.2.1", 993, true},
      {"993|127.0.0.1:1993", "127.0.0.1", 1993, true},
  };
  for (const auto& [ports, ip, port, is_ssl] : cases) {
    const auto parsed = parse_ssl_ports(ports);
    ASSERT_TRUE(parsed) << ports;
    EXPECT_EQ(is_ssl_port(*parsed, *SocketAddress::parse(ip, port)), is_ssl) << ports << " " << ip;
  }
}

}  // namespace
}  // namespace openmmp::config
