// All seats that all workers hold: mmp-state counts them for each service and key, and says who
// gets the last one. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ipc/runtime/result.h"

namespace openmmp::state {

class SeatRegister {
 public:
  // A worker is exposed to the world: what it may make us keep has bounds.
  static constexpr size_t max_seats = 200'000;  // of one worker
  static constexpr size_t max_key = 1024;

  enum class LinkId : uint64_t {};

  struct Count {
    std::string key;
    uint32_t count = 0;  // 0: not near its limit any more
  };

  // A worker of a service begins to talk.
  void join(LinkId link, const std::string& service);
  // It is gone, and its seats are free.
  void leave(LinkId link);

  // Whether the seat is taken. One that was `held` before always is. Errc::protocol: no worker of
  // ours would say this.
  Result<bool> take(LinkId link, uint64_t seat, const std::string& key, uint32_t limit, bool held);
  // Nothing happens for a seat that was refused.
  void give_back(LinkId link, uint64_t seat);

  // Counts that the workers of a service are to hear of, since the last call.
  std::vector<Count> take_changes(const std::string& service);
  // Those that a new worker is to hear of.
  std::vector<Count> watched(const std::string& service) const;
  size_t seats_of(LinkId link) const;

 private:
  struct Key {
    uint32_t count = 0;
    uint32_t limit = 0;  // as last said
    bool told = false;   // the workers were told a count
    bool is_watched() const;
  };
  using Keys = std::unordered_map<std::string, Key>;
  struct Service {
    Keys keys;
    std::unordered_set<Keys::value_type*> changed;
  };
  struct Link {
    Service* service = nullptr;
    std::unordered_map<uint64_t, Keys::value_type*> seats;
  };
  static void note(Service& service, Keys::value_type& key);

  std::map<std::string, Service> services_;
  std::map<LinkId, Link> links_;
};

}  // namespace openmmp::state
