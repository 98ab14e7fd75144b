#include "workers/state/fleet_clock.h"

namespace openmmp::state {

void FleetClock::note(Millis asked, Millis answered, Millis server) {
  const Millis trip = answered - asked;
  const Measure measure{answered, trip, asked + trip / 2 - server};
  // A slow answer says less than a quick one; one that contradicts it says that the server's clock
  // was set.
  const bool is_better =
      !best_ || trip <= best_->trip || answered - best_->at >= lasts ||
      std::chrono::abs(measure.difference - best_->difference) > trip + best_->trip;
  if (is_better) best_ = measure;
}

}  // namespace openmmp::state
