// One HTTP request to a server of the operator's (AuthenticationServer, PolicyServer), and its
// answer. HTTP/1.1 with "Connection: close"; no proxies, no redirections, no keep-alive.
#pragma once

#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "workers/proxy/http_message.h"
#include "workers/proxy/resolver.h"

namespace openmmp::proxy {

// Errc::unavailable whatever goes wrong within `time`; `detail` names the server and says what.
// Each address of the server is tried. What was sent is wiped. Loop and resolver outlive the task.
Task<HttpResponse> http_exchange(Loop& loop, Resolver& resolver, HttpRequest request, Millis time);

}  // namespace openmmp::proxy
