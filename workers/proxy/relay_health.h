// Which SMTP relays are avoided: one that could not be reached or did not greet is left alone for a
// while by every worker at once (FailoverTimeout, in minutes). Nobody probes: when the time is over
// it has its turn again, and either serves or is avoided anew. What an operator has decided is kept
// apart from that.
//
// One of these in each SMTP worker, and one in mmp-state, which passes events on and keeps them
// over reload and restart. Events may come twice and in any order: the youngest holds. Pure: time
// comes in as an argument, of a clock that all processes of the host share.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace openmmp::proxy {

using Time = std::chrono::milliseconds;

struct RelayEvent {
  enum class Kind { failed, succeeded, disabled, enabled };
  Kind kind = Kind::failed;
  std::string relay;   // "host:port"
  std::string reason;  // of failed
  Time at{0};
  Time avoid_for{0};  // of failed
};

class RelayHealth {
 public:
  // Past this, those that are well and were heard of longest ago are forgotten.
  static constexpr size_t most_relays = 1000;

  // How long it is still to be avoided; 0: it is not.
  Time avoided_for(const std::string& relay, Time now) const;
  bool enabled(const std::string& relay) const;

  RelayEvent failed(const std::string& relay, std::string reason, Time avoid_for, Time now);
  // Nothing: it is no news.
  std::optional<RelayEvent> succeeded(const std::string& relay, Time now);
  // An event of another process or of an operator. False: nothing has changed by it.
  bool apply(const RelayEvent& event);
  // All that is known here, for who begins to listen now.
  std::vector<RelayEvent> events() const;

  struct Row {
    std::string relay;
    bool enabled = true;
    std::string reason;  // of the last failure; empty: none is known
    Time failed_at{0};
    Time avoided_until{0};  // in the past: not any more; 0: it has succeeded since
  };
  std::vector<Row> rows() const;

 private:
  struct Entry {
    bool enabled = true;
    Time decided_at{0};
    std::string reason;
    Time failed_at{0};
    Time avoid_for{0};
    Time succeeded_at{0};
    bool fails() const { return failed_at > succeeded_at; }
  };
  Entry* find_or_make(const std::string& relay);
  bool make_room();

  std::map<std::string, Entry> entries_;
};

}  // namespace openmmp::proxy
