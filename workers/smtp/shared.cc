#include "workers/smtp/shared.h"

#include <limits.h>
#include <unistd.h>

namespace openmmp::smtp {

namespace {

std::vector<HostPort> relays_of(const proxy::Services& services) {
  std::vector<HostPort> relays;
  for (const std::string& word : services.settings.smtp_relays) {
    Result<HostPort> relay = parse_host_port(word);
    if (!relay) continue;  // check has refused what is none
    if (relay->port == 0) relay->port = services.stores.find(*relay).port;
    relays.push_back(std::move(*relay));
  }
  return relays;
}

std::string own_name() {
  char name[HOST_NAME_MAX + 1] = "";
  if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

}  // namespace

Shared::Shared(const proxy::Services& services, size_t first)
    : ring(relays_of(services), first), host_name(own_name()) {}

}  // namespace openmmp::smtp
