// What all workers of an instance know together, as one of them sees it: bad guys, seats (who holds
// how many connections and sessions), the health of stores. Questions are answered from what is
// here; only a seat that may be the last one is asked for. mmp-state holds the whole; while it is
// away the worker goes on with what it knows, and tells it all again when it is back.
//
// One a worker, in Services. The Loop, the Log and what it is built from outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/network.h"
#include "ipc/runtime/task.h"
#include "ipc/runtime/unique_fd.h"
#include "workers/proxy/bad_guys.h"
#include "workers/proxy/store_health.h"

namespace openmmp::proxy {

struct SessionContext;
class SharedState;

// One of so many that share a key: an address's connections, a user's sessions. It is free again
// when this is destroyed.
class Seat {
 public:
  Seat() = default;
  Seat(Seat&& other) noexcept;
  Seat& operator=(Seat&& other) noexcept;
  ~Seat();

 private:
  friend class SharedState;
  SharedState* state_ = nullptr;
  uint64_t number_ = 0;
};

class SharedState {
 public:
  struct Options {
    std::string service;  // seats are counted for each service apart
    uint32_t generation = 0;
    uint32_t index = 0;
    BadGuyRules bad_guys;
    Networks never_bad;  // BGExcluded
    StoreHealthRules stores;
  };
  SharedState(Loop& loop, Log& log, Options options);
  ~SharedState();

  // The way to mmp-state, from the supervisor: at first, and again whenever mmp-state was started
  // anew.
  void connect(UniqueFd socket);
  bool connected() const;

  // Bad guys. The log has a line for each failure: "badguy 192.0.2.1 now has 4 badness".
  Seconds badness(const SocketAddress& client) const;
  void login_failed(const SessionContext& context);
  void login_succeeded(const SessionContext& context);

  // A seat of `key` ("address 192.0.2.1", "user joe@example.com"), of which all workers of the
  // service together have `limit`. Errc::limit: none is left. It waits for mmp-state only when the
  // key is known to be near its limit (half of it taken); a seat given without asking that turns
  // out to be one too many ends its session by interrupting `context`, which must outlive the Seat.
  Task<Seat> take_seat(std::string key, int limit, SessionContext& context);

  // Stores: the same questions as StoreHealth has, and what happens is told to all.
  StoreHealth& stores();
  void store_failed(const std::string& store, std::string reason);
  void store_succeeded(const std::string& store);

 private:
  struct Impl;  // or members: its owner decides
};

}  // namespace openmmp::proxy
