// `mmpctl lookup`: what would become of a login, step by step, without a password and without the
// store.
#pragma once

#include <string>

#include "ipc/runtime/task.h"
#include "workers/directory/directory.h"
#include "workers/proxy/services.h"

namespace openmmp::proxy {

struct LookupQuestion {
  std::string user;
  std::string client_ip;  // empty: filters and limits are named, not applied
  std::string local_ip;   // empty: no virtual domain
};

struct LookupAnswer {
  bool found = false;  // a store, to which such a login would go
  directory::Steps steps;
};

// Refers to `services`. The answer says of everything that could refuse the login whether it would.
Task<LookupAnswer> explain_lookup(LookupQuestion question, Services& services);

}  // namespace openmmp::proxy
