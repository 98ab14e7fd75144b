// How long a loop pauses before it looks for events, so that a look finds more of them: what is
// done for many sockets in one turn costs less for each, in the kernel and in the caches. Pure.
//
// It pauses only while looks find several sockets at once. A session that is alone, whose client
// and server wait for each other, has one event at a look or two, and soon is not held up any more.
#pragma once

#include <chrono>
#include <cstddef>

namespace openmmp {

class Gathering {
 public:
  using Time = std::chrono::nanoseconds;  // of a monotonic clock
  // As far apart looks are then. A turn that takes longer is followed by the next at once.
  static constexpr Time interval = std::chrono::microseconds(100);
  // Less is not worth its system call.
  static constexpr Time shortest = std::chrono::microseconds(20);
  // So many events at a look, on average. It is cut to a whole number, so that a little less makes
  // some of the looks pause.
  static constexpr size_t several = 3;

  // From `now` to the next look; 0: at once.
  Time pause(Time now) const {
    if (sum_ / weight < several) return Time(0);
    const Time left = last_ + interval - now;
    return left < shortest ? Time(0) : left;
  }
  // A look at `now` has found so many events.
  void looked(Time now, size_t found) {
    sum_ = sum_ - sum_ / weight + found;
    last_ = now;
  }

 private:
  static constexpr size_t weight = 16;
  size_t sum_ = 0;  // a sliding average, times `weight`
  Time last_{0};
};

}  // namespace openmmp
