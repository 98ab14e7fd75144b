// The snapshot in its directory, of which mmp-state has a descriptor and nothing else: what must
// survive mmp-state's own end.
#pragma once

#include <optional>

#include "ipc/runtime/result.h"
#include "ipc/runtime/unique_fd.h"
#include "proto/state.pb.h"

namespace openmmp::state {

constexpr const char* snapshot_name = "snapshot";

// Nothing: there is none. Errc::protocol: it cannot be read as one.
Result<std::optional<proto::Snapshot>> read_snapshot(const UniqueFd& directory);

// The old one or the new one is there at any moment, whoever is killed meanwhile. Not written
// through to the disk: a host that crashes loses the penalties of some seconds, and a loop that
// waited for the disk would hold up logins.
Result<> write_snapshot(const UniqueFd& directory, const proto::Snapshot& snapshot);

}  // namespace openmmp::state
