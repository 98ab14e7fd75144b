// The process around the sessions of one service: born with everything it needs, it gives up its
// privileges, accepts until it is told to drain, and ends with its last session.
#pragma once

#include <cstdint>
#include <functional>

#include "workers/proxy/prober.h"
#include "workers/proxy/proxy_session.h"

namespace openmmp::proxy {

using MakeSession =
    std::function<Task<>(Connection client, SessionContext& context, Services& services)>;

// What the process must know of its protocol.
struct WorkerProtocol {
  Stores::Protocol stores;
  MakeSession make_session;
  ProbeStore probe_store;  // empty: nobody looks after stores that are down
};

// Runs the process; the value is its exit status.
int run_worker(WorkerProtocol protocol);

// main() of the worker for one protocol.
template <Dialect D>
int worker_main() {
  typename D::Shared shared;
  auto make_session = [&shared](Connection client, SessionContext& context, Services& services) {
    return proxy_session<D>(std::move(client), context, shared, services);
  };
  auto probe_store = [&shared](Connection& store, const StoreAccess& access) {
    return D::probe(store, access, shared);
  };
  return run_worker({Stores::Protocol(D::default_port, D::alpn), make_session, probe_store});
}

}  // namespace openmmp::proxy
