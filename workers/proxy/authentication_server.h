// AuthenticationServer: password check and look-up in one, by a server of the operator's that knows
// the auth_http dialect of nginx's mail proxy; authentication_message.h has its words.
#pragma once

#include <string>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "workers/proxy/authentication_message.h"
#include "workers/proxy/resolver.h"

namespace openmmp::proxy {

// Errc::refused: the server says no, and Auth-Wait is in `wait` (which must not be null: zero means
// that the session must end). Errc::unavailable: it does not answer within `time`, or not as it
// should, or says that the failure is temporary (Auth-Error-Code with 4xx). A server that says WAIT
// is asked again, some times. Loop, resolver and `wait` outlive the task.
Task<AuthenticationAnswer> ask_authentication_server(Loop& loop, Resolver& resolver,
                                                     AuthenticationServer server,
                                                     std::string extra_header,
                                                     AuthenticationQuestion question, Millis time,
                                                     Seconds* wait);

}  // namespace openmmp::proxy
