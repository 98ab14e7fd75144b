#include "workers/proxy/store_traffic.h"

#include <fmt/format.h>

#include <iterator>

namespace openmmp::proxy {

namespace {

// While somebody waits. Whoever ends lets others in; but a store that is being spared takes more
// with time, and other workers or the operator may find that it is down.
constexpr Millis look_again_time{250};

Failure not_tried(const std::string& objection) {
  return fail(Errc::unavailable, "not tried: " + objection);
}

}  // namespace

std::optional<Result<StoreTraffic::Attempt>> StoreTraffic::begin(const std::string& store) {
  if (const auto objection = health_.objection(store)) return not_tried(*objection);
  const auto found = ways_.find(store);
  if (found == ways_.end()) return take(ways_.try_emplace(store).first);
  if (!found->second.waiting.empty() || !has_room(*found)) return std::nullopt;
  return take(found);
}

StoreTraffic::Attempt StoreTraffic::take(Ways::iterator way) {
  ++way->second.connecting;
  ++way->second.logging_in;
  return Attempt(*this, way);
}

bool StoreTraffic::has_room(const Ways::value_type& item) const {
  const auto& [store, way] = item;
  if (way.connecting >= most_connecting_) return false;
  const auto most = health_.most_at_once(store, most_connecting_, loop_.now());
  return !most || way.logging_in < *most;
}

// Those whose turn it is. Whether anybody still waits; if not, `way` may be gone.
bool StoreTraffic::let_in(Ways::iterator way) {
  LinkedList<Turn>& waiting = way->second.waiting;
  while (!waiting.empty()) {
    if (const auto objection = health_.objection(way->first)) {
      waiting.front().finish(not_tried(*objection));
    } else if (has_room(*way)) {
      waiting.front().finish(take(way));
    } else {
      return true;
    }
  }
  if (way->second.logging_in == 0) ways_.erase(way);
  return false;
}

void StoreTraffic::look_again_soon() {
  const auto look = [](void* self) { static_cast<StoreTraffic*>(self)->look_again(); };
  if (!look_again_.active()) look_again_.start(look_again_time, look, this);
}

void StoreTraffic::look_again() {
  bool any_waits = false;
  for (auto way = ways_.begin(); way != ways_.end();) {
    const auto next = std::next(way);
    if (let_in(way)) any_waits = true;
    way = next;
  }
  if (any_waits) look_again_soon();
}

StoreTraffic::Attempt::~Attempt() {
  if (traffic_ == nullptr) return;
  if (connecting_) --way_->second.connecting;
  --way_->second.logging_in;
  traffic_->let_in(way_);
}

void StoreTraffic::Attempt::connected() {
  if (!std::exchange(connecting_, false)) return;
  --way_->second.connecting;
  traffic_->let_in(way_);
}

void StoreTraffic::Turn::await_suspend(std::coroutine_handle<> awaiting) {
  handle = awaiting;
  limit_.start(
      time_, [](void* self) { static_cast<Turn*>(self)->give_up(); }, this);
  const auto way = traffic_.ways_.try_emplace(store_).first;
  way->second.waiting.push_back(*this);
  if (traffic_.let_in(way)) traffic_.look_again_soon();
}

void StoreTraffic::Turn::finish(Result<Attempt> outcome) {
  limit_.stop();
  outcome_.emplace(std::move(outcome));
  traffic_.loop_.resume_soon(*this);
}

void StoreTraffic::Turn::give_up() {
  finish(
      fail(Errc::unavailable,
           fmt::format("no turn within {:g} s: no more than {} connections to it may be pending "
                       "(MaxConcurrentConnectionAttempts), and, when it has just come back, no "
                       "more than that many logins at a time (StoreRampTime)",
                       std::chrono::duration<double>(time_).count(), traffic_.most_connecting_)));
}

}  // namespace openmmp::proxy
