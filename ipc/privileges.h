// Giving up what a process was started with. The supervisor resolves names to check them before it
// starts anything; a worker drops, for good, right after its Birth.
#pragma once

#include <sys/types.h>

#include <string>

#include "ipc/runtime/result.h"

namespace openmmp::ipc {

struct Identity {
  uid_t user = static_cast<uid_t>(-1);   // -1: stay
  gid_t group = static_cast<gid_t>(-1);  // -1: stay
};

// Names or numbers; an empty group is the user's own. Errc::refused names what is not known.
Result<Identity> resolve_identity(const std::string& user, const std::string& group);

// Becomes `user` and `group` (empty: stays) with no supplementary groups, makes sure that there is
// no way back, and forbids new privileges and core dumps, which would hold passwords.
Result<> drop_privileges(const std::string& user, const std::string& group);

}  // namespace openmmp::ipc
