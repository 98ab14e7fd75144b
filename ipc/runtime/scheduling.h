// How the kernel shares the processors between this process and others.
#pragma once

#include "ipc/runtime/log.h"

namespace openmmp {

// From now on whoever runs when something comes for this thread is not interrupted for it, but goes
// on to the end of its slice (a few milliseconds at most); on a processor that is free nothing
// changes. By then more has come, and is done at one go. SCHED_BATCH of sched(7); where that is
// forbidden, `log` hears of it.
void wait_patiently(Log& log);

}  // namespace openmmp
