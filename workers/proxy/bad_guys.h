// Addresses that logins failed from lately, and for how long the next attempt from there is held.
// At most `most` of them; one more takes the place of the one nearest to its end. An IPv6 address
// counts as its /64, because one customer has as many addresses as that holds. Pure: time comes in
// as an argument, of a clock that all processes of the host share.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "ipc/runtime/address.h"

namespace openmmp::proxy {

// The BG options.
struct BadGuyRules {
  size_t most = 10000;                   // BGMax
  std::chrono::seconds penalty{2};       // BGPenalty
  std::chrono::seconds max_badness{60};  // BGMaxBadness
  std::chrono::seconds decay{900};       // BGDecay
  bool linear = false;                   // BGLinear
};

struct BadGuy {
  SocketAddress address;            // without a port; of IPv6 the first of its /64
  std::chrono::seconds badness{0};  // 0: was one, and is forgiven since
  std::chrono::milliseconds since{0};
};

class BadGuys {
 public:
  explicit BadGuys(BadGuyRules rules) : rules_(rules) {}

  // The delay for an attempt from there.
  std::chrono::seconds badness(const SocketAddress& address, std::chrono::milliseconds now) const;
  // The new entry, to be told to others.
  BadGuy failed(const SocketAddress& address, std::chrono::milliseconds now);
  // Nothing: there was nothing to forgive.
  std::optional<BadGuy> succeeded(const SocketAddress& address, std::chrono::milliseconds now);
  // From somebody else; the newer of two entries for one address stays, of two as old the worse.
  void merge(const BadGuy& entry, std::chrono::milliseconds now);
  // Whether there was one.
  bool forgive(const SocketAddress& address, std::chrono::milliseconds now);
  // For people: the worst first, with their badness at `now`, and the forgiven ones not at all.
  std::vector<BadGuy> all(std::chrono::milliseconds now) const;
  // For merge() in another process: as they were set, the oldest first. The forgiven ones too, for
  // they must outlive news from before.
  std::vector<BadGuy> entries() const;
  // Of entries().
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::chrono::seconds badness{0};
    std::chrono::milliseconds since{0};
  };
  std::chrono::seconds now_worth(const Entry& entry, std::chrono::milliseconds now) const;
  BadGuy put(const IpBytes& key, Entry entry, std::chrono::milliseconds now);
  void drop_oldest();

  BadGuyRules rules_;
  std::map<IpBytes, Entry> entries_;
  // All decay equally long, so the oldest is the nearest to its end.
  std::set<std::pair<std::chrono::milliseconds, IpBytes>> by_age_;
};

}  // namespace openmmp::proxy
