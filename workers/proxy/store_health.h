// Which stores are believed to be up, from how logins and probes at them end. A store that fails
// `failures` times in a row is down: logins to it fail at once, and a probe looks after it every
// `probe_interval`, until one succeeds. After that it is spared for a while: so few logins at a
// time, twice as many each second. What an operator has decided (admin state) is kept apart.
//
// One of these in each worker, and one in mmp-state, which passes events on. Events may come twice
// and from several workers in any order: one says how many failures in a row its sender has come
// to, and the greater number holds, so that all come to the same belief, and one outage that many
// notice at a time is one failure. Each holds its own belief when mmp-state is away. Pure: time
// comes in as an argument, of a clock that all processes of the host share.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace openmmp::proxy {

using Time = std::chrono::milliseconds;

struct StoreHealthRules {
  int failures = 3;           // StoreFailures; 0: nothing ever takes a store out
  Time probe_interval{5000};  // StoreProbeInterval
  Time ramp_time{10000};      // StoreRampTime; 0: no sparing
};

// Something that happened to a store, for all who believe something about it.
struct StoreEvent {
  enum class Kind { failed, succeeded, disabled, enabled };
  Kind kind = Kind::failed;
  std::string store;   // "host:port"
  std::string reason;  // of failed
  Time at{0};
  int failures = 1;  // of failed: in a row, with this one
  // Spoken there by who has seen it: nobody else can probe it. Empty in what an operator decides.
  std::string protocol;
};

class StoreHealth {
 public:
  // Past this the healthy ones that were heard of longest ago are forgotten.
  static constexpr size_t most_stores = 10'000;

  explicit StoreHealth(StoreHealthRules rules) : rules_(rules) {}

  // Why no login is to be tried there now; nothing: go on.
  std::optional<std::string> objection(const std::string& store) const;
  // How many logins may be under way there at a time while it is being spared: `first`, and twice
  // as many each second. Nothing: as many as come.
  std::optional<int> most_at_once(const std::string& store, int first, Time now) const;
  // How a login or a probe ended. Nothing: it is no news, nobody else need hear of it. What fails
  // in one and the same millisecond has failed once.
  std::optional<StoreEvent> failed(const std::string& store, std::string reason, Time now);
  std::optional<StoreEvent> succeeded(const std::string& store, Time now);
  // An event of another process or of an operator.
  void apply(const StoreEvent& event);
  // All that is believed here, for who begins to listen now.
  std::vector<StoreEvent> events() const;

  // Stores to be probed now; each is then given until its next turn, and so it is when anybody says
  // that it has failed again. `jitter`, in [0, 1) and the same at each call, keeps workers apart:
  // whoever is first spares the others theirs.
  std::vector<std::string> due(Time now, double jitter);
  std::optional<Time> next_due(double jitter) const;

  struct Row {
    std::string store;
    bool up = true;
    bool enabled = true;
    int failures = 0;    // in a row
    std::string reason;  // of the last one
    Time since{0};       // when it went down or came up, or was first heard of
  };
  std::vector<Row> rows() const;  // of stores that anything is known of

 private:
  struct Entry {
    bool up = true;
    bool enabled = true;
    int failures = 0;
    std::string reason;
    Time since{0};
    Time failed_at{0};
    Time succeeded_at{0};
    Time decided_at{0};                // by the operator
    std::optional<Time> spared_since;  // it has come back
    std::optional<Time> turn;          // its place in turns_
    std::string protocol;              // as the last event had it
  };
  using Entries = std::map<std::string, Entry>;

  const Entry* find(const std::string& store) const;
  // Null: there are too many, and none of them may be forgotten.
  Entries::value_type* find_or_make(const std::string& store, Time now);
  bool make_room();
  void note_failure(Entries::value_type& item, const std::string& reason, int failures, Time at);
  bool note_success(Entries::value_type& item, Time at);
  void decide(Entries::value_type& item, bool enabled, Time at);
  void set_turn(Entries::value_type& item, std::optional<Time> turn);
  Time turn_after(Time at) const;
  Time delay(double jitter) const;

  const StoreHealthRules rules_;
  Entries entries_;
  std::set<std::pair<Time, std::string>> turns_;  // of those that are down, before their jitter
};

}  // namespace openmmp::proxy
