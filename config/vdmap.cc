#include "config/vdmap.h"

#include <fmt/format.h>

#include "config/override_groups.h"

namespace openmmp::config {
namespace {

// As the socket's address will be written, so that "::1" and "0:0::1" are the same.
Result<std::string> local_address(std::string_view word) {
  const auto address = SocketAddress::parse(word, 0);
  if (address) return address->ip();
  return fail(Errc::protocol,
              fmt::format("{}; accepted: a local IPv4 or IPv6 address, as 192.0.2.1",
                          address.error().detail));
}

constexpr GroupSyntax syntax{"vdmap",  "vdmap NAME IPADDR", "virtual domain", 1, true,
                             in_vdmap, local_address};

}  // namespace

std::vector<VirtualDomain> parse_vdmap(std::string_view text, const std::string& file,
                                       Diagnostics& out) {
  std::vector<VirtualDomain> domains;
  for (OverrideGroup& group : parse_override_groups(syntax, text, file, out)) {
    domains.push_back(
        {std::move(group.name), std::move(group.members), std::move(group.overrides), group.line});
  }
  return domains;
}

}  // namespace openmmp::config
