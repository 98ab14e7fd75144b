// The process around the sessions of one service: born with everything it needs, it gives up its
// privileges, accepts until it is told to drain, and ends with its last session.
#pragma once

#include <cstdint>
#include <functional>

#include "workers/proxy/proxy_session.h"

namespace openmmp::proxy {

using MakeSession =
    std::function<Task<>(Connection client, SessionContext& context, Services& services)>;

// Runs the process; the value is its exit status.
int run_worker(Stores::Protocol protocol, MakeSession make_session);

// main() of the worker for one protocol.
template <Dialect D>
int worker_main() {
  typename D::Shared shared;
  return run_worker(Stores::Protocol(D::default_port, D::alpn),
                    [&shared](Connection client, SessionContext& context, Services& services) {
                      return proxy_session<D>(std::move(client), context, shared, services);
                    });
}

}  // namespace openmmp::proxy
