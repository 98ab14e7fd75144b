// The other instances, as mmp-state has them: tells them what becomes known here, and hears what
// becomes known there, by a Redis or Valkey server that all of them use (SharedState). While no
// server answers each instance goes on by itself, and when one does again they agree: what either
// side knows is compared, and of each two facts the younger holds.
//
// Nothing here waits for it, and what is to be told while it is away is not kept: the comparison
// brings it. What comes from the server is not trusted: it is checked and bounded.
//
// The Loop, the Log and what the functions of Instance lead to must outlive it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/redis_url.h"
#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/secret.h"
#include "ipc/tls/client_context.h"
#include "workers/proxy/resolver.h"
#include "workers/proxy/stores.h"
#include "workers/state/fleet_clock.h"
#include "workers/state/fleet_fact.h"
#include "workers/state/fleet_store.h"

namespace openmmp::state {

struct FleetTimes {
  Millis connect{3'000};         // to one address
  Millis patience{5'000};        // for a reply
  Millis beat{2'000};            // between signs of life
  Millis shortest_pause{250};    // between attempts; it doubles each time
  Millis longest_pause{10'000};  // and a connection that lasted longer is none that fails at once
  Millis look_back{30'000};      // whether an earlier server is there again
};

class Fleet {
 public:
  // What it asks of mmp-state.
  struct Instance {
    std::function<void(const Fact& fact)> learn;  // news from elsewhere
    std::function<Facts()> known;                 // all that is known here
    std::function<void(const proto::FleetStatus&)> stands;
  };

  // Errc::refused or protocol: what is wrong with the options.
  static Result<std::unique_ptr<Fleet>> create(Loop& loop, Log& log,
                                               const proto::FleetOptions& options,
                                               Instance instance, FleetTimes times = FleetTimes());
  // For create().
  Fleet(Loop& loop, Log& log, Instance instance, FleetTimes times);
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;
  ~Fleet();

  // Something has become known here.
  void tell(const Fact& fact);
  bool connected() const { return status_.connected(); }

 private:
  using Servers = std::vector<config::RedisUrl>;

  Task<> live();
  Task<> serve(size_t server);
  Task<> keep_up(FleetStore& store, Task<>& listening, Task<>& looking);
  Task<> synchronize(FleetStore& store);
  void compare(const Facts& theirs, Facts& ours);
  Task<> listen(RedisConnection& events);
  Task<> look_back(size_t server);
  Task<RedisConnection> open(const config::RedisUrl& url, Millis patience);
  Task<> introduce(RedisConnection& connection, const config::RedisUrl& url);
  void hear(const proto::FleetMessage& message);
  void note_connected(const config::RedisUrl& url);
  void note_away(const config::RedisUrl& url, const std::string& reason);
  void say_away(const std::string& reasons);
  static void wake(void* self) { static_cast<Fleet*>(self)->wake_.wake_all(); }

  Loop& loop_;
  Log& log_;
  const Instance instance_;
  const FleetTimes times_;
  Servers servers_;
  Secret password_;
  FleetIdentity identity_;
  std::unique_ptr<tls::ClientContext> tls_;  // null: no server speaks it
  proxy::Store dialing_;
  proxy::Resolver resolver_;
  FleetClock clock_;      // of the server that we are with
  bool gathers_ = false;  // what is told from now on is not in what is being compared
  Facts news_;            // to be told
  bool untold_ = false;   // there were more than could be kept
  bool said_away_ = false;
  proto::FleetStatus status_;
  WaitList wake_;
  Timer beating_;
  std::optional<Task<>> life_;
};

}  // namespace openmmp::state
