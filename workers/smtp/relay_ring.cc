#include "workers/smtp/relay_ring.h"

#include <algorithm>
#include <utility>

namespace openmmp::smtp {

std::vector<HostPort> RelayRing::take_turn(const proxy::RelayHealth& health, proxy::Time now) {
  struct Avoided {
    HostPort relay;
    proxy::Time time_left;
  };
  std::vector<HostPort> order;
  std::vector<Avoided> avoided;
  size_t chosen = next_;
  for (size_t i = 0; i < relays_.size(); ++i) {
    const size_t at = (next_ + i) % relays_.size();
    const HostPort& relay = relays_[at];
    const std::string name = relay.to_string();
    if (!health.enabled(name)) continue;
    const proxy::Time time_left = health.avoided_for(name, now);
    if (time_left > proxy::Time(0)) {
      avoided.push_back({relay, time_left});
      continue;
    }
    if (order.empty()) chosen = at;
    order.push_back(relay);
  }
  std::stable_sort(avoided.begin(), avoided.end(),
                   [](const Avoided& a, const Avoided& b) { return a.time_left < b.time_left; });
  for (Avoided& one : avoided) order.push_back(std::move(one.relay));
  if (!relays_.empty()) next_ = (chosen + 1) % relays_.size();
  return order;
}

}  // namespace openmmp::smtp
