// When a slot whose worker failed may be filled again: at once after a worker that had lived a
// while, otherwise after 1 s, 2 s, 4 s ... 60 s. Pure.
#pragma once

#include <map>

#include "supervisor/process_table.h"

namespace openmmp::supervisor {

class Backoff {
 public:
  static constexpr Time first_delay{1000};
  static constexpr Time longest_delay{60'000};
  // A worker that was ready for this long did not fail at its start: its failure is forgiven.
  static constexpr Time long_enough{10'000};

  // The worker of `slot` ended unasked, `lived` after it had said Ready (0: it never did).
  void failed(const Slot& slot, Time lived, Time now);
  // Forgets all slots of other generations than these two.
  void keep_generations(uint32_t one, uint32_t other);

  Time not_before(const Slot& slot) const;
  // Failures in a row; 0 once a worker has lived long enough.
  unsigned failures(const Slot& slot) const;

 private:
  struct Entry {
    unsigned failures = 0;
    Time not_before{};
  };
  std::map<Slot, Entry> entries_;
};

}  // namespace openmmp::supervisor
