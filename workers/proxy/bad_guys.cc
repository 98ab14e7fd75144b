#include "workers/proxy/bad_guys.h"

#include <algorithm>

namespace openmmp::proxy {
namespace {

using Seconds = std::chrono::seconds;
using Millis = std::chrono::milliseconds;

constexpr size_t v6_network_bytes = 8;

IpBytes key_of(const SocketAddress& address) {
  IpBytes key = address.ip_bytes();
  if (address.family() == AF_INET6)
    std::fill(key.begin() + v6_network_bytes, key.end(), uint8_t{0});
  return key;
}

BadGuy bad_guy(const IpBytes& key, Seconds badness, Millis since) {
  return {SocketAddress::from_bytes(key, 0), badness, since};
}

}  // namespace

Seconds BadGuys::now_worth(const Entry& entry, Millis now) const {
  const Millis decay = rules_.decay;
  // A clock that was read a little earlier than another process read it.
  const Millis age = std::max(now - entry.since, Millis(0));
  if (age >= decay) return Seconds(0);
  if (!rules_.linear) return entry.badness;
  // Rounded up.
  const auto rest = (decay - age).count();
  return Seconds((entry.badness.count() * rest + decay.count() - 1) / decay.count());
}

Seconds BadGuys::badness(const SocketAddress& address, Millis now) const {
  const auto found = entries_.find(key_of(address));
  return found == entries_.end() ? Seconds(0) : now_worth(found->second, now);
}

BadGuy BadGuys::failed(const SocketAddress& address, Millis now) {
  const Seconds sum = badness(address, now) + rules_.penalty;
  return put(key_of(address), {std::min(sum, rules_.max_badness), now}, now);
}

std::optional<BadGuy> BadGuys::succeeded(const SocketAddress& address, Millis now) {
  const IpBytes key = key_of(address);
  const auto found = entries_.find(key);
  if (found == entries_.end() || now_worth(found->second, now) == Seconds(0)) return std::nullopt;
  // Later than what it forgives, or others would take that for the worse of two.
  const Millis since = std::max(now, found->second.since + Millis(1));
  return put(key, {Seconds(0), since}, now);
}

bool BadGuys::forgive(const SocketAddress& address, Millis now) {
  return succeeded(address, now).has_value();
}

void BadGuys::merge(const BadGuy& entry, Millis now) {
  const IpBytes key = key_of(entry.address);
  const auto found = entries_.find(key);
  if (found != entries_.end()) {
    const Entry& old = found->second;
    if (std::pair(entry.since, entry.badness) <= std::pair(old.since, old.badness)) return;
  }
  put(key, {std::clamp(entry.badness, Seconds(0), rules_.max_badness), entry.since}, now);
}

BadGuy BadGuys::put(const IpBytes& key, Entry entry, Millis now) {
  if (const auto old = entries_.find(key); old != entries_.end()) {
    by_age_.erase({old->second.since, key});
    entries_.erase(old);
  }
  // What is over makes room first, so that a quiet time empties the table.
  while (!by_age_.empty() && now - by_age_.begin()->first >= Millis(rules_.decay)) drop_oldest();
  if (rules_.most > 0 && now - entry.since < Millis(rules_.decay)) {
    if (entries_.size() >= rules_.most) drop_oldest();
    entries_.emplace(key, entry);
    by_age_.emplace(entry.since, key);
  }
  return bad_guy(key, entry.badness, entry.since);
}

void BadGuys::drop_oldest() {
  entries_.erase(by_age_.begin()->second);
  by_age_.erase(by_age_.begin());
}

std::vector<BadGuy> BadGuys::all(Millis now) const {
  std::vector<BadGuy> list;
  for (const auto& [key, entry] : entries_) {
    const Seconds worth = now_worth(entry, now);
    if (worth > Seconds(0)) list.push_back(bad_guy(key, worth, entry.since));
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const BadGuy& a, const BadGuy& b) { return a.badness > b.badness; });
  return list;
}

std::vector<BadGuy> BadGuys::entries() const {
  std::vector<BadGuy> list;
  list.reserve(by_age_.size());
  for (const auto& [since, key] : by_age_) {
    list.push_back(bad_guy(key, entries_.at(key).badness, since));
  }
  return list;
}

}  // namespace openmmp::proxy
