// Decides when mmp-state is started, told to leave and killed; StateProcess only carries out. It
// stands outside of generations: there is one from the first start to the end of the last worker.
// Pure, as plan() is.
#pragma once

#include "supervisor/plan.h"

namespace openmmp::supervisor {

// Of the actions only start, end and kill. `table` has nothing but what fills `slot`.
Plan plan_resident(const ProcessTable& table, const Slot& slot, bool wanted, const Backoff& backoff,
                   const Limits& limits, Time now);

}  // namespace openmmp::supervisor
