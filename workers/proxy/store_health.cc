#include "workers/proxy/store_health.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace openmmp::proxy {

namespace {

// More are not told from these.
constexpr int most_failures = 1'000'000;

}  // namespace

std::optional<std::string> StoreHealth::objection(const std::string& store) const {
  const Entry* entry = find(store);
  if (entry == nullptr) return std::nullopt;
  if (!entry->enabled) return "the operator has taken it out";
  if (!entry->up) return "it is down: " + entry->reason;
  return std::nullopt;
}

std::optional<int> StoreHealth::most_at_once(const std::string& store, int first, Time now) const {
  const Entry* entry = find(store);
  if (entry == nullptr || !entry->spared_since) return std::nullopt;
  const Time spared = std::max(now - *entry->spared_since, Time(0));
  if (spared >= rules_.ramp_time) return std::nullopt;
  int most = std::max(first, 1);
  for (auto seconds = spared / std::chrono::seconds(1); seconds > 0; --seconds) {
    if (most > std::numeric_limits<int>::max() / 2) return std::nullopt;
    most *= 2;
  }
  return most;
}

std::optional<StoreEvent> StoreHealth::failed(const std::string& store, std::string reason,
                                              Time now) {
  auto* item = find_or_make(store, now);
  if (item == nullptr) return std::nullopt;
  const Entry& entry = item->second;
  if (entry.failures > 0 && entry.failed_at >= now) return std::nullopt;
  note_failure(*item, reason, std::min(entry.failures + 1, most_failures), now);
  StoreEvent event;
  event.store = store;
  event.reason = std::move(reason);
  event.at = now;
  event.failures = entry.failures;
  return event;
}

std::optional<StoreEvent> StoreHealth::succeeded(const std::string& store, Time now) {
  auto* item = find_or_make(store, now);
  if (item == nullptr || !note_success(*item, now)) return std::nullopt;
  StoreEvent event;
  event.kind = StoreEvent::Kind::succeeded;
  event.store = store;
  event.at = now;
  return event;
}

void StoreHealth::apply(const StoreEvent& event) {
  auto* item = find_or_make(event.store, event.at);
  if (item == nullptr) return;
  Entry& entry = item->second;
  if (!event.protocol.empty()) entry.protocol = event.protocol;
  switch (event.kind) {
    case StoreEvent::Kind::failed:
      if (event.at < entry.succeeded_at) return;  // it is over
      return note_failure(*item, event.reason, std::clamp(event.failures, 1, most_failures),
                          event.at);
    case StoreEvent::Kind::succeeded:
      // Whoever failed after that did not know of it, or knows better.
      if (entry.failures == 0 || event.at >= entry.failed_at) note_success(*item, event.at);
      return;
    case StoreEvent::Kind::disabled:
    case StoreEvent::Kind::enabled:
      return decide(*item, event.kind == StoreEvent::Kind::enabled, event.at);
  }
}

std::vector<StoreEvent> StoreHealth::events() const {
  std::vector<StoreEvent> events;
  for (const auto& [store, entry] : entries_) {
    StoreEvent event;
    event.store = store;
    if (entry.decided_at != Time(0)) {
      event.kind = entry.enabled ? StoreEvent::Kind::enabled : StoreEvent::Kind::disabled;
      event.at = entry.decided_at;
      events.push_back(event);
    }
    const bool fails = entry.failures > 0;
    if (!fails && entry.succeeded_at == Time(0)) continue;
    event.kind = fails ? StoreEvent::Kind::failed : StoreEvent::Kind::succeeded;
    event.at = fails ? entry.failed_at : entry.succeeded_at;
    event.reason = entry.reason;
    event.failures = entry.failures;
    event.protocol = entry.protocol;
    events.push_back(std::move(event));
  }
  return events;
}

std::vector<std::string> StoreHealth::due(Time now, double jitter) {
  std::vector<std::string> stores;
  while (!turns_.empty() && turns_.begin()->first + delay(jitter) <= now) {
    stores.push_back(turns_.begin()->second);
    set_turn(*entries_.find(stores.back()), turn_after(now));
  }
  return stores;
}

std::optional<Time> StoreHealth::next_due(double jitter) const {
  if (turns_.empty()) return std::nullopt;
  return turns_.begin()->first + delay(jitter);
}

std::vector<StoreHealth::Row> StoreHealth::rows() const {
  std::vector<Row> rows;
  for (const auto& [store, entry] : entries_) {
    Row& row = rows.emplace_back();
    row.store = store;
    row.up = entry.up;
    row.enabled = entry.enabled;
    row.failures = entry.failures;
    row.reason = entry.reason;
    row.since = entry.since;
  }
  return rows;
}

const StoreHealth::Entry* StoreHealth::find(const std::string& store) const {
  const auto found = entries_.find(store);
  return found == entries_.end() ? nullptr : &found->second;
}

StoreHealth::Entries::value_type* StoreHealth::find_or_make(const std::string& store, Time now) {
  if (const auto found = entries_.find(store); found != entries_.end()) return &*found;
  if (entries_.size() >= most_stores && !make_room()) return nullptr;
  Entries::value_type& item = *entries_.emplace(store, Entry()).first;
  item.second.since = now;
  return &item;
}

// Health that is forgotten comes back with the next login; what an operator has decided does not.
bool StoreHealth::make_room() {
  const auto worth = [](const Entries::value_type& item) {
    const Entry& entry = item.second;
    return std::tuple(!entry.enabled, entry.failures > 0,
                      std::max(entry.succeeded_at, entry.failed_at));
  };
  const auto least =
      std::min_element(entries_.begin(), entries_.end(),
                       [&](const auto& a, const auto& b) { return worth(a) < worth(b); });
  if (!least->second.enabled) return false;
  set_turn(*least, std::nullopt);
  entries_.erase(least);
  return true;
}

void StoreHealth::note_failure(Entries::value_type& item, const std::string& reason, int failures,
                               Time at) {
  Entry& entry = item.second;
  entry.failures = std::max(entry.failures, failures);
  if (at >= entry.failed_at) {
    entry.failed_at = at;
    entry.reason = reason;
  }
  if (rules_.failures == 0 || entry.failures < rules_.failures) return;
  if (std::exchange(entry.up, false)) entry.since = at;
  entry.spared_since.reset();
  if (entry.enabled) set_turn(item, turn_after(entry.failed_at));
}

// Whether it is news.
bool StoreHealth::note_success(Entries::value_type& item, Time at) {
  Entry& entry = item.second;
  const bool first = entry.succeeded_at == Time(0);
  entry.succeeded_at = std::max(entry.succeeded_at, at);
  const bool recovers = std::exchange(entry.failures, 0) > 0;
  entry.reason.clear();
  if (!std::exchange(entry.up, true)) {
    entry.since = at;
    entry.spared_since = at;
    set_turn(item, std::nullopt);
  }
  return first || recovers;
}

void StoreHealth::decide(Entries::value_type& item, bool enabled, Time at) {
  Entry& entry = item.second;
  if (at < entry.decided_at) return;
  entry.decided_at = at;
  if (std::exchange(entry.enabled, enabled) == enabled) return;
  // Whom it was taken from comes back at once, as after an outage.
  if (enabled) entry.spared_since = at;
  const bool wants_probes = enabled && !entry.up;
  set_turn(item, wants_probes ? std::optional<Time>(at) : std::nullopt);
}

void StoreHealth::set_turn(Entries::value_type& item, std::optional<Time> turn) {
  Entry& entry = item.second;
  if (entry.turn) turns_.erase({*entry.turn, item.first});
  if (turn) turns_.emplace(*turn, item.first);
  entry.turn = turn;
}

Time StoreHealth::turn_after(Time at) const {
  return at + std::max(rules_.probe_interval * 3 / 4, Time(1));
}

// The last quarter of the interval is for who comes first.
Time StoreHealth::delay(double jitter) const {
  const double quarter = static_cast<double>((rules_.probe_interval / 4).count());
  return Time(static_cast<Time::rep>(quarter * jitter));
}

}  // namespace openmmp::proxy
