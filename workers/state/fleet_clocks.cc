#include "workers/state/fleet_clocks.h"

#include <algorithm>

namespace openmmp::state {

FleetClocks::Millis FleetClocks::written_at(const std::string& sender, Millis clock, Millis now) {
  const Millis difference = now - clock;
  auto found = senders_.find(sender);
  if (found == senders_.end()) {
    if (senders_.size() >= most_senders) {
      senders_.erase(std::min_element(
          senders_.begin(), senders_.end(),
          [](const auto& a, const auto& b) { return a.second.heard < b.second.heard; }));
    }
    found = senders_.emplace(sender, Sender{now, difference, difference, now}).first;
  }
  Sender& it = found->second;
  it.heard = now;
  if (now - it.since >= period) {
    // After a silence of more than a period nothing from before it counts.
    it.difference_before = now - it.since < 2 * period ? it.difference : difference;
    it.difference = difference;
    it.since = now;
  }
  it.difference = std::min(it.difference, difference);
  return std::min(now, clock + std::min(it.difference, it.difference_before));
}

}  // namespace openmmp::state
