// Logins as the policy server is asked and told of them. Only where services.policy is enabled.
#pragma once

#include "ipc/runtime/task.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/login.h"
#include "workers/proxy/services.h"
#include "workers/proxy/session_context.h"

namespace openmmp::proxy {

// Returns when the attempt may go on, after the time that the policy holds it. Errc::refused: it
// may not.
Task<> ask_policy(const Login& login, const Connection& client, const SessionContext& context,
                  Services& services);

// How it ended: let in, or refused for its credentials.
void report_login(const Login& login, const Connection& client, const SessionContext& context,
                  Services& services, bool success);

}  // namespace openmmp::proxy
