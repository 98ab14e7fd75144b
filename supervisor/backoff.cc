#include "supervisor/backoff.h"

#include <algorithm>

namespace openmmp::supervisor {

void Backoff::failed(const Slot& slot, Time lived, Time now) {
  if (lived >= long_enough) {
    entries_.erase(slot);
    return;
  }
  Entry& entry = entries_[slot];
  Time delay = first_delay;
  for (unsigned i = 0; i < entry.failures && delay < longest_delay; ++i) delay *= 2;
  ++entry.failures;
  entry.not_before = now + std::min(delay, longest_delay);
}

void Backoff::keep_generations(uint32_t one, uint32_t other) {
  std::erase_if(entries_, [one, other](const auto& item) {
    return item.first.generation != one && item.first.generation != other;
  });
}

Time Backoff::not_before(const Slot& slot) const {
  const auto found = entries_.find(slot);
  return found == entries_.end() ? Time(0) : found->second.not_before;
}

unsigned Backoff::failures(const Slot& slot) const {
  const auto found = entries_.find(slot);
  return found == entries_.end() ? 0 : found->second.failures;
}

}  // namespace openmmp::supervisor
