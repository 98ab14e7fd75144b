// The vdmap file.
#include <set>

#include "config/vdmap.h"
#include "tests/fuzz/fuzz.h"

namespace openmmp::fuzz {

void check_input(std::string_view input) {
  config::Diagnostics diagnostics;
  std::set<std::string> addresses;
  for (const auto& domain : config::parse_vdmap(input, "vdmap.cfg", diagnostics)) {
    CHECK(!domain.name.empty() && !domain.addresses.empty());
    for (const std::string& ip : domain.addresses) {
      const auto address = SocketAddress::parse(ip, 0);
      CHECK(address && address->ip() == ip && addresses.insert(ip).second);
    }
    config::settings_from(domain.overrides);  // aborts for none that were accepted
  }
  for (const config::Diagnostic& diagnostic : diagnostics.take()) {
    std::string text = diagnostic.to_string();
    std::erase(text, '\t');  // which a value may have
    CHECK(is_one_line(text));
  }
}

}  // namespace openmmp::fuzz
