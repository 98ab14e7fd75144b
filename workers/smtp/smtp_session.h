// A submission session from greeting to goodbye. Unlike a mailbox's, it stays a dialogue to its
// end: every command is looked at, messages pass byte for byte.
#pragma once

#include "ipc/runtime/task.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/services.h"
#include "workers/proxy/session_context.h"
#include "workers/smtp/shared.h"

namespace openmmp::smtp {

Task<> smtp_session(proxy::Connection client, proxy::SessionContext& context, Shared& shared,
                    proxy::Services& services);

}  // namespace openmmp::smtp
