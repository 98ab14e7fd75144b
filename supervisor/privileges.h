// Who the workers are to be. mmpd itself stays what it was started as: it needs its rights for
// every later reload.
#pragma once

#include <string>

#include "config/settings.h"
#include "ipc/runtime/result.h"

namespace openmmp::supervisor {

struct WorkerUser {
  std::string user;  // empty: stays
  std::string group;
  std::string notice;  // what the operator should know, said once at start; empty: nothing
};

// From BeTheUser and BeTheGroup. Who is not root cannot change user: then workers stay and the
// notice says so. Errc::refused: there is no such user or group.
Result<WorkerUser> worker_user(const config::Settings& process);

}  // namespace openmmp::supervisor
