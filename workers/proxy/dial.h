// A connection to a store, by name or address.
#pragma once

#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "workers/proxy/connection.h"

namespace openmmp::proxy {

// The addresses of `host`, at `host.port`. An IP literal costs nothing; a name is looked up on the
// thread pool. Answers are not kept: a caching resolver on the host does that better.
// Errc::unavailable: no such name, or the resolver did not answer.
Task<std::vector<SocketAddress>> resolve(Loop& loop, HostPort host);

// Connected to the first address of `host` that accepts, each given `time`. The error is the last
// address's. The connection has no deadline yet.
Task<Connection> dial(Loop& loop, HostPort host, Millis time);

}  // namespace openmmp::proxy
