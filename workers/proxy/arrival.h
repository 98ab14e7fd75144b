// The first moments of a client's connection, before its protocol says anything: who it is, when
// there is a proxy of ours in front, whether it may come in, and TLS, when that comes first.
#pragma once

#include "ipc/runtime/task.h"
#include "workers/proxy/admission.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/services.h"
#include "workers/proxy/session_context.h"

namespace openmmp::proxy {

// Whether there is anything to do.
bool needs_arrival(const SessionContext& context, const Services& services);

// Reads the PROXY header of a trusted peer (if proxyprotocol is on), lets the client in or not (see
// admit()), and shakes hands. Whatever is wrong is not for the client to hear, but for Errc::limit
// where it can be said.
Task<> arrive(Connection& client, SessionContext& context, Seats& seats, Services& services);

// The rest of a session is TLS from here on; `go_ahead` is said before.
Task<> start_tls(Connection& client, const SessionContext& context,
                 const tls::ServerContext& server, std::string go_ahead);

}  // namespace openmmp::proxy
