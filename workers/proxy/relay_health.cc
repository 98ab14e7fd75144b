#include "workers/proxy/relay_health.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace openmmp::proxy {

Time RelayHealth::avoided_for(const std::string& relay, Time now) const {
  const auto found = entries_.find(relay);
  if (found == entries_.end() || !found->second.fails()) return Time(0);
  return std::max(found->second.failed_at + found->second.avoid_for - now, Time(0));
}

bool RelayHealth::enabled(const std::string& relay) const {
  const auto found = entries_.find(relay);
  return found == entries_.end() || found->second.enabled;
}

RelayEvent RelayHealth::failed(const std::string& relay, std::string reason, Time avoid_for,
                               Time now) {
  RelayEvent event;
  event.relay = relay;
  event.reason = std::move(reason);
  event.at = now;
  event.avoid_for = avoid_for;
  // Of two in one millisecond this is the later one, for everybody.
  if (const auto found = entries_.find(relay); found != entries_.end()) {
    event.at = std::max(now, found->second.succeeded_at + Time(1));
  }
  apply(event);
  return event;
}

std::optional<RelayEvent> RelayHealth::succeeded(const std::string& relay, Time now) {
  const auto found = entries_.find(relay);
  if (found == entries_.end() || !found->second.fails()) return std::nullopt;
  RelayEvent event;
  event.kind = RelayEvent::Kind::succeeded;
  event.relay = relay;
  event.at = std::max(now, found->second.failed_at);
  apply(event);
  return event;
}

bool RelayHealth::apply(const RelayEvent& event) {
  Entry* entry = find_or_make(event.relay);
  if (entry == nullptr) return false;
  switch (event.kind) {
    case RelayEvent::Kind::failed: {
      // Two of one moment are ordered by what they say, so that all come to the same belief.
      const auto known = std::tie(entry->failed_at, entry->avoid_for, entry->reason);
      if (std::tie(event.at, event.avoid_for, event.reason) <= known) return false;
      entry->failed_at = event.at;
      entry->avoid_for = event.avoid_for;
      entry->reason = event.reason;
      return true;
    }
    case RelayEvent::Kind::succeeded:
      if (event.at <= entry->succeeded_at) return false;
      entry->succeeded_at = event.at;
      return true;
    case RelayEvent::Kind::disabled:
    case RelayEvent::Kind::enabled: {
      if (event.at < entry->decided_at) return false;
      const bool enabled = event.kind == RelayEvent::Kind::enabled;
      const bool is_news = event.at > entry->decided_at || enabled != entry->enabled;
      entry->decided_at = event.at;
      entry->enabled = enabled;
      return is_news;
    }
  }
  return false;
}

std::vector<RelayEvent> RelayHealth::events() const {
  std::vector<RelayEvent> events;
  for (const auto& [relay, entry] : entries_) {
    RelayEvent event;
    event.relay = relay;
    if (entry.decided_at != Time(0)) {
      event.kind = entry.enabled ? RelayEvent::Kind::enabled : RelayEvent::Kind::disabled;
      event.at = entry.decided_at;
      events.push_back(event);
    }
    if (entry.succeeded_at != Time(0)) {
      event.kind = RelayEvent::Kind::succeeded;
      event.at = entry.succeeded_at;
      events.push_back(event);
    }
    if (entry.failed_at == Time(0)) continue;
    event.kind = RelayEvent::Kind::failed;
    event.at = entry.failed_at;
    event.reason = entry.reason;
    event.avoid_for = entry.avoid_for;
    events.push_back(std::move(event));
  }
  return events;
}

std::vector<RelayHealth::Row> RelayHealth::rows() const {
  std::vector<Row> rows;
  for (const auto& [relay, entry] : entries_) {
    Row& row = rows.emplace_back();
    row.relay = relay;
    row.enabled = entry.enabled;
    row.reason = entry.reason;
    row.failed_at = entry.failed_at;
    if (entry.fails()) row.avoided_until = entry.failed_at + entry.avoid_for;
  }
  return rows;
}

// Null: there are too many, and none of them may be forgotten.
RelayHealth::Entry* RelayHealth::find_or_make(const std::string& relay) {
  if (const auto found = entries_.find(relay); found != entries_.end()) return &found->second;
  if (entries_.size() >= most_relays && !make_room()) return nullptr;
  return &entries_[relay];
}

// Health that is forgotten comes back with the next session; what an operator has decided does not.
bool RelayHealth::make_room() {
  const auto worth = [](const auto& item) {
    const Entry& entry = item.second;
    return std::tuple(!entry.enabled, entry.fails(),
                      std::max({entry.succeeded_at, entry.failed_at, entry.decided_at}));
  };
  const auto least =
      std::min_element(entries_.begin(), entries_.end(),
                       [&](const auto& a, const auto& b) { return worth(a) < worth(b); });
  if (!least->second.enabled) return false;
  entries_.erase(least);
  return true;
}

}  // namespace openmmp::proxy
