// The part of StateServer that other instances are told, and what it is told by them.
#include <algorithm>

#include "workers/proxy/state_messages.h"
#include "workers/state/state_server.h"

namespace openmmp::state {

namespace {

// Of penalties elsewhere, whatever BGDecay is here: who reads one applies its own.
constexpr Millis penalties_last = std::chrono::hours(24);

Millis end_of(const proxy::RelayEvent& event) {
  // A success must outlive every failure that it is the end of.
  const bool failed = event.kind == proxy::RelayEvent::Kind::failed;
  return event.at + (failed ? event.avoid_for : proxy::longest_avoidance);
}

}  // namespace

Millis StateServer::end_of(const proxy::BadGuy& entry) const {
  return entry.since + std::min<Millis>(bad_guy_rules_.decay, penalties_last);
}

// A worker that begins to talk says all it knows, and some of it may be old by now.
void StateServer::share(const proxy::BadGuy& entry) {
  if (!tell_fleet_) return;
  proxy::BadGuys alone(bad_guy_rules_);
  alone.merge(entry, loop_.now());
  const Millis now = loop_.now();
  const bool holds = alone.badness(entry.address, now) == bad_guys_->badness(entry.address, now);
  if (holds) tell_fleet_(Fact{entry, end_of(entry)});
}

void StateServer::share(const proxy::RelayEvent& event) {
  if (tell_fleet_) tell_fleet_(Fact{event, state::end_of(event)});
}

void StateServer::share(const proxy::PopLogin& login) {
  if (tell_fleet_) tell_fleet_(Fact{login, login.expires});
}

void StateServer::learn(const Fact& fact) {
  const Millis now = loop_.now();
  if (const auto* entry = std::get_if<proxy::BadGuy>(&fact.what)) {
    bad_guys_->merge(*entry, now);
    spread(*entry, nullptr);
  } else if (const auto* event = std::get_if<proxy::RelayEvent>(&fact.what)) {
    if (relays_.apply(*event)) spread(*event, nullptr);
  } else if (const auto* login = std::get_if<proxy::PopLogin>(&fact.what)) {
    if (logins_.record(*login, now)) changed_ = true;
  }
  tell_soon(Millis(0));
}

Facts StateServer::facts() const {
  const Millis now = loop_.now();
  Facts facts;
  const auto add = [&](Fact fact) {
    if (fact.expires <= now) return;
    const auto [other, is_new] = facts.try_emplace(name_of(fact), fact);
    if (!is_new && time_of(other->second) < time_of(fact)) other->second = std::move(fact);
  };
  for (const proxy::BadGuy& entry : bad_guys_->entries()) add(Fact{entry, end_of(entry)});
  for (const proxy::RelayEvent& event : relays_.events()) {
    const bool is_health = event.kind == proxy::RelayEvent::Kind::failed ||
                           event.kind == proxy::RelayEvent::Kind::succeeded;
    if (is_health) add(Fact{event, state::end_of(event)});
  }
  for (const proxy::PopLogin& login : logins_.list(now)) add(Fact{login, login.expires});
  return facts;
}

}  // namespace openmmp::state
