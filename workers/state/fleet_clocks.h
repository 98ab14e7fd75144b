// What the clocks of other instances have to do with ours. A message says what its sender's clock
// was; the least difference between its coming and that is the difference of the clocks and the
// shortest way. So what was sent long ago and came late is known to be old, and what one sender
// said in an order keeps it. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

namespace openmmp::state {

class FleetClocks {
 public:
  using Millis = std::chrono::milliseconds;
  // Past this, who was heard of longest ago is forgotten.
  static constexpr size_t most_senders = 1000;
  // A difference holds for one to two of these: clocks drift, and hosts sleep.
  static constexpr Millis period{60'000};

  // When, by our clock, a message was written that comes `now` and says `clock`. Not after `now`.
  Millis written_at(const std::string& sender, Millis clock, Millis now);

 private:
  struct Sender {
    Millis since{0};  // of the period
    Millis difference{0};
    Millis difference_before{0};  // in the period before
    Millis heard{0};
  };
  std::map<std::string, Sender> senders_;
};

}  // namespace openmmp::state
