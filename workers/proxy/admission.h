// Whether a client is let in: ConnLimits, ClientLookup and TCPAccess, before its first word; and
// what the entries of domain and user say, after its login.
#pragma once

#include <string>

#include "ipc/runtime/task.h"
#include "workers/directory/directory.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/services.h"
#include "workers/proxy/session_context.h"
#include "workers/proxy/shared_state.h"

namespace openmmp::proxy {

// What a session takes up among all of the service, for as long as it lasts.
struct Seats {
  Seat connection;  // of its address
  Seat user;
};

// As access filters call the service.
std::string filter_service(const Services& services);

// Whether there is anything to ask of a client that has just come.
bool needs_admission(const SessionContext& context, const Services& services);

// Settles which virtual domain the client is in, and whether it may stay. Errc::limit: too many
// connections from its address, and the client may be told; Errc::refused: TCPAccess, and it is
// told nothing. Nobody is kept waiting where neither mmp-state nor DNS has to be asked.
Task<> admit(const Connection& client, SessionContext& context, Seats& seats, Services& services);

// Whether the filter, of `what` ("domain example.com"), lets this client use the service.
// Errc::refused: no; Errc::unavailable: it cannot be evaluated.
Task<> check_filter(std::string filter, std::string what, const Connection& client,
                    SessionContext& context, Services& services);

// One more session of the user. Errc::limit: MaxUserSessions.
Task<> take_user_seat(const directory::Route& route, SessionContext& context, Seats& seats,
                      Services& services);

}  // namespace openmmp::proxy
