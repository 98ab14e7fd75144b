// Looks after the stores that are down: connects as a login does, lets the dialect ask whether the
// store is well, and tells the outcome to all workers. One in each worker; the first that comes to
// a store's turn spares the others theirs. What it is given outlives it.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "ipc/runtime/task_set.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/resolver.h"
#include "workers/proxy/shared_state.h"
#include "workers/proxy/store_access.h"
#include "workers/proxy/stores.h"

namespace openmmp::proxy {

// Dialect::probe() of the service's protocol.
using ProbeStore = std::function<Task<>(Connection& store, const StoreAccess& access)>;

class Prober {
 public:
  // Stores whose turn comes when so many are being probed wait for their next one.
  static constexpr size_t most_at_once = 100;

  Prober(Loop& loop, Log& log, Resolver& resolver, const Stores& stores, SharedState& shared,
         ProbeStore probe_store);

 private:
  // When the next turn is: it changes with every event.
  void set_timer();
  void probe_due();
  Task<> probe(std::string name);
  Task<> ask(HostPort host);

  Loop& loop_;
  Log& log_;
  Resolver& resolver_;
  const Stores& stores_;
  SharedState& shared_;
  const ProbeStore probe_store_;
  const double jitter_;
  std::set<std::string> under_way_;
  TaskSet probes_;
  Timer timer_;
  std::optional<Millis> timer_for_;
  BeforeWait each_turn_;
};

}  // namespace openmmp::proxy
