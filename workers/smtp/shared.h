// What all SMTP sessions of a worker share besides Services: the relays in turn, what they
// announce, and how we call ourselves.
#pragma once

#include <string>

#include "workers/proxy/services.h"
#include "workers/smtp/extensions.h"
#include "workers/smtp/relay_ring.h"

namespace openmmp::smtp {

struct Shared {
  // `first`: with which relay to begin.
  Shared(const proxy::Services& services, size_t first);
  RelayRing ring;
  std::string host_name;
  ExtensionLists extension_lists;
};

}  // namespace openmmp::smtp
