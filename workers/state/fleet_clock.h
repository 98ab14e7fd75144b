// The server's clock, as a member of the fleet knows it. By it members say when they have written
// something, so that what a server took late, after it has hung or the network has, is known to be
// old. Ours and the server's may differ by any amount. Pure.
#pragma once

#include <chrono>
#include <optional>

namespace openmmp::state {

class FleetClock {
 public:
  using Millis = std::chrono::milliseconds;
  // A measure is kept no longer: clocks drift.
  static constexpr Millis lasts{60'000};

  // The server was asked for its time at `asked`, and `answered` with `server`.
  void note(Millis asked, Millis answered, Millis server);
  // Only after the first note().
  Millis to_server(Millis ours) const { return ours - best_->difference; }
  Millis to_ours(Millis server) const { return server + best_->difference; }

 private:
  struct Measure {
    Millis at{0};
    Millis trip{0};        // there and back
    Millis difference{0};  // ours less the server's, give or take half a trip
  };
  std::optional<Measure> best_;
};

}  // namespace openmmp::state
