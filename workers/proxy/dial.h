// A connection to a store, by name or address.
#pragma once

#include <string>

#include "ipc/runtime/address.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/resolver.h"
#include "workers/proxy/stores.h"

namespace openmmp::proxy {

// Connected to the first address of `host` that accepts; the look-up of its name and each address
// are given the store's time. The error is the last address's. The connection still carries the
// deadline for being connected: the caller sets the next one. `store` outlives the task.
Task<Connection> dial(Loop& loop, Resolver& resolver, HostPort host, const Store& store);

// The same, and what comes before the store's first word: a PROXY header, unless it is empty, and
// TLS where it is spoken at once.
Task<Connection> dial_through(Loop& loop, Resolver& resolver, HostPort host, const Store& store,
                              std::string proxy_header);

}  // namespace openmmp::proxy
