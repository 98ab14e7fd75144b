#include "ipc/runtime/scheduling.h"

#include <sched.h>

#include <cerrno>
#include <cstring>

namespace openmmp {

void wait_patiently(Log& log) {
  const sched_param priority = {};
  if (::sched_setscheduler(0, SCHED_BATCH, &priority) == 0) return;
  log.write(LogLevel::notice, 0, "no SCHED_BATCH: {}", std::strerror(errno));
}

}  // namespace openmmp
