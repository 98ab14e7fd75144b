// What all SMTP sessions of a worker share besides Services: the relays in turn.
#pragma once

#include "workers/proxy/services.h"
#include "workers/smtp/relay_ring.h"

namespace openmmp::smtp {

struct Shared {
  explicit Shared(const proxy::Services& services);
  RelayRing ring;
};

}  // namespace openmmp::smtp
