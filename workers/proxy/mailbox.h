// From a login to a mailbox: whose it is, whether this login may have it, and which credentials the
// store gets.
#pragma once

#include "ipc/runtime/task.h"
#include "workers/directory/directory.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/login.h"
#include "workers/proxy/services.h"
#include "workers/proxy/session_context.h"
#include "workers/proxy/session_log.h"

namespace openmmp::proxy {

// Errc::refused: no such user, or nobody may act for that user like this. An AuthenticationServer
// may put another password into `login`, for the store.
Task<directory::Route> find_mailbox(Login& login, const Connection& client,
                                    const SessionContext& context, LoginRecord& record,
                                    Services& services);

// Whether anything has to be asked before this login goes to its store.
bool needs_permission(const Login& login, const directory::Route& route, const LoginRecord& record,
                      const SessionContext& context);

// PreAuth, the status of user and domain, the filters of both: in this order, so that who has no
// password learns nothing of the others. Errc::refused: a definite no, whatever the password;
// Errc::unavailable: later, perhaps.
Task<> check_permission(const Login& login, const directory::Route& route, const Connection& client,
                        LoginRecord& record, SessionContext& context, Services& services);

// Errc::unavailable: the login needs StoreAdmin, and there is none. Refers to its arguments.
Result<StoreCredentials> credentials_for(const Login& login, const directory::Route& route,
                                         const config::Settings& settings);

}  // namespace openmmp::proxy
