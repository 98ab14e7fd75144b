// Which stores are believed to be up, from how logins and probes at them end. A store that fails
// `failures` times in a row is down: logins to it fail at once, and a probe looks after it every
// `probe_interval`, until one succeeds. After that it is spared for a while: so few logins at a
// time, twice as many each second. What an operator has decided (admin state) is kept apart.
//
// One of these in each worker, and one in mmp-state, which passes events on: all come to the same
// belief, and each holds its own when mmp-state is away. Pure: time comes in as an argument.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ipc/runtime/loop.h"

namespace openmmp::proxy {

struct StoreHealthRules {
  int failures = 3;             // StoreFailures; 0: nothing ever takes a store out
  Millis probe_interval{5000};  // StoreProbeInterval
  Millis ramp_time{10000};      // StoreRampTime; 0: no sparing
};

// Something that happened to a store, for all who believe something about it.
struct StoreEvent {
  enum class Kind { failed, succeeded, disabled, enabled };
  Kind kind = Kind::failed;
  std::string store;   // "host:port"
  std::string reason;  // of failed
  Millis at{0};
};

class StoreHealth {
 public:
  explicit StoreHealth(StoreHealthRules rules) : rules_(rules) {}

  // Why no login is to be tried there now; nothing: go on.
  std::optional<std::string> objection(const std::string& store, Millis now) const;
  // How many logins may be under way there at a time, `usual` unless it is being spared.
  int most_at_once(const std::string& store, int usual, Millis now) const;
  // How a login or a probe ended. Nothing: it is no news, nobody else need hear of it.
  std::optional<StoreEvent> failed(const std::string& store, std::string reason, Millis now);
  std::optional<StoreEvent> succeeded(const std::string& store, Millis now);
  // An event of another process or of an operator.
  void apply(const StoreEvent& event);
  // Stores to be probed now; each is given until its next turn. `jitter` in [0, 1) keeps workers
  // apart: whoever is first spares the others theirs.
  std::vector<std::string> due(Millis now, double jitter);
  std::optional<Millis> next_due() const;

  struct Row {
    std::string store;
    bool up = true;
    bool enabled = true;
    int failures = 0;    // in a row
    std::string reason;  // of the last one
    Millis since{0};     // when it went down, or came up
  };
  std::vector<Row> rows() const;  // of stores that anything is known of

 private:
  StoreHealthRules rules_;
};

}  // namespace openmmp::proxy
