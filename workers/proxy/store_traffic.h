// How many of a worker's sessions are on their way into each store, so that one store that hangs,
// or that everybody comes back to, does not hold up all others. Lives in Services; outlives the
// attempts. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "ipc/runtime/result.h"

namespace openmmp::proxy {

class StoreTraffic {
 private:
  struct Counts {
    int connecting = 0;
    int logging_in = 0;  // these included
  };
  using Stores = std::map<std::string, Counts>;

 public:
  // One session's way into a store, from the first packet to the store's answer. Wherever it ends,
  // the next one may begin.
  class Attempt {
   public:
    Attempt(Attempt&& other) noexcept
        : traffic_(std::exchange(other.traffic_, nullptr)),
          store_(other.store_),
          connecting_(other.connecting_) {}
    Attempt& operator=(Attempt&&) = delete;
    ~Attempt();

    // From here on the store can only be slow; it does answer.
    void connected();

   private:
    friend class StoreTraffic;
    Attempt(StoreTraffic& traffic, Stores::iterator store) : traffic_(&traffic), store_(store) {}
    StoreTraffic* traffic_;
    Stores::iterator store_;
    bool connecting_ = true;
  };

  // Errc::unavailable: so many are connecting already, or being let in, where that is limited.
  Result<Attempt> begin(const std::string& store, int most_connecting,
                        std::optional<int> most_at_once);

 private:
  Stores stores_;  // that anybody is on the way into
};

}  // namespace openmmp::proxy
