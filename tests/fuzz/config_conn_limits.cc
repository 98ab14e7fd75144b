// ConnLimits: its value, and the files of it and of BGExcluded.
#include "config/address_file.h"
#include "config/conn_limits.h"
#include "tests/fuzz/fuzz.h"

namespace openmmp::fuzz {

void check_input(std::string_view input) {
  const auto limits = config::ConnLimits::parse(input);
  if (limits) {
    for (const char* const ip : {"10.0.0.1", "192.0.2.1", "2001:db8::1"}) {
      const std::optional<int> limit = limits->limit_of(*SocketAddress::parse(ip, 0));
      CHECK(!limit || *limit >= 0);
    }
  } else {
    CHECK(is_one_line(limits.error().detail) && limits.error().detail.size() < 1000);
  }
  // What holds for the whole holds for its lines.
  const auto networks = config::parse_address_file(input);
  bool all_good = true;
  for (const std::string_view line : config::lines_without_comments(input)) {
    all_good = all_good && config::parse_address_file(line).has_value();
  }
  CHECK(networks.has_value() == all_good);
}

}  // namespace openmmp::fuzz
