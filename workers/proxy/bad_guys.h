// Addresses that logins failed from lately, and for how long the next attempt from there is held.
// At most `most` of them. Pure: time comes in as an argument, of a clock that all processes of the
// host share.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/loop.h"

namespace openmmp::proxy {

// The BG options.
struct BadGuyRules {
  size_t most = 10000;      // BGMax
  Seconds penalty{2};       // BGPenalty
  Seconds max_badness{60};  // BGMaxBadness
  Seconds decay{900};       // BGDecay
  bool linear = false;      // BGLinear
};

struct BadGuy {
  SocketAddress address;  // the port does not count
  Seconds badness{0};     // 0: was one, and is forgiven since
  Millis since{0};        // when it was set
};

class BadGuys {
 public:
  explicit BadGuys(BadGuyRules rules) : rules_(rules) {}

  // The delay for an attempt from there.
  Seconds badness(const SocketAddress& address, Millis now) const;
  // The new entry, to be told to others.
  BadGuy failed(const SocketAddress& address, Millis now);
  // Nothing: there was nothing to forgive.
  std::optional<BadGuy> succeeded(const SocketAddress& address, Millis now);
  // From somebody else; the newer of two entries for one address stays.
  void merge(const BadGuy& entry, Millis now);
  // Whether there was one.
  bool forgive(const SocketAddress& address, Millis now);
  std::vector<BadGuy> all(Millis now) const;  // the worst first
  size_t size() const;

 private:
  BadGuyRules rules_;
};

}  // namespace openmmp::proxy
