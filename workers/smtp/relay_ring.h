// SmtpRelays in turn. Each session begins with the next relay that is not avoided; the others
// follow, and the avoided ones at last, the one with the least time left first. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ipc/runtime/address.h"
#include "workers/proxy/relay_health.h"

namespace openmmp::smtp {

class RelayRing {
 public:
  // `first`: where to begin, so that workers do not all begin with the same one.
  RelayRing(std::vector<HostPort> relays, size_t first)
      : relays_(std::move(relays)), next_(first) {}

  // Every relay that an operator has not disabled, in the order to try them. Moves on.
  std::vector<HostPort> take_turn(const proxy::RelayHealth& health, proxy::Time now);
  const std::vector<HostPort>& relays() const { return relays_; }

 private:
  std::vector<HostPort> relays_;
  size_t next_;
};

}  // namespace openmmp::smtp
