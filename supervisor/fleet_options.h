// SharedState and its kin, as mmp-state is to have them: it opens no file itself.
#pragma once

#include <string>

#include "config/config.h"
#include "ipc/runtime/log.h"
#include "proto/state.pb.h"

namespace openmmp::supervisor {

// Without servers when nothing is to be shared, or when a file cannot be read, which is logged: to
// trust other authorities instead is not what was asked for.
proto::FleetOptions fleet_options(const config::Settings& process, const std::string& directory,
                                  Log& log);

// As soon as they were sent.
void wipe_password(proto::FleetOptions& options);

}  // namespace openmmp::supervisor
