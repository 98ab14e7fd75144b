// AuthServiceTTL: a login that opens other services to its address for a while.
#pragma once

#include "workers/proxy/login.h"
#include "workers/proxy/services.h"
#include "workers/proxy/session_context.h"
#include "workers/proxy/session_log.h"

namespace openmmp::proxy {

// Of a login that has succeeded. It counts where it was pre-authenticated (PreAuth): the word of a
// store alone opens nothing. One who logs in for somebody else opens nothing either.
void remember_login(const Login& login, const LoginRecord& record, const SessionContext& context,
                    Services& services);

}  // namespace openmmp::proxy
