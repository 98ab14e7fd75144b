// "host:port" and IP addresses.
#include "ipc/runtime/address.h"
#include "tests/fuzz/fuzz.h"

namespace openmmp::fuzz {

void check_input(std::string_view input) {
  if (const auto address = SocketAddress::parse(input, 143)) {
    CHECK(is_one_line(input));
    const auto again = SocketAddress::parse(address->ip(), 143);
    CHECK(again && again->to_string() == address->to_string());
    CHECK(parse_host_port(address->to_string()) == HostPort(address->ip(), 143));
  }
  const auto host = parse_host_port(input);
  if (!host) return;
  CHECK(!host->host.empty() && is_one_line(host->host));
  CHECK(parse_host_port(host->to_string()) == *host);
}

}  // namespace openmmp::fuzz
