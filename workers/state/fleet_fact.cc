#include "workers/state/fleet_fact.h"

#include <algorithm>
#include <tuple>

#include "workers/proxy/state_messages.h"

namespace openmmp::state {

namespace {

using proxy::BadGuy;
using proxy::PopLogin;
using proxy::RelayEvent;

// What two clocks and a slow network may make of one moment.
constexpr Millis nearly{3000};
// What one process may have noted before another's clock says so.
constexpr Millis ahead{1000};

bool says_the_same(const BadGuy& a, const BadGuy& b) { return a.badness == b.badness; }
bool says_the_same(const RelayEvent& a, const RelayEvent& b) {
  return a.kind == b.kind && a.reason == b.reason;
}
bool says_the_same(const PopLogin& a, const PopLogin& b) { return a.user == b.user; }

std::string name_of(const BadGuy& it) { return "badguy:" + it.address.ip(); }
std::string name_of(const RelayEvent& it) { return "relay:" + it.relay; }
std::string name_of(const PopLogin& it) { return "login:" + it.address; }

Millis time_of(const BadGuy& it) { return it.since; }
Millis time_of(const RelayEvent& it) { return it.at; }
Millis time_of(const PopLogin& it) { return it.at; }

void write(const BadGuy& it, proto::FleetFact& to) {
  proxy::write_bad_guy(it, *to.mutable_bad_guy());
  to.mutable_bad_guy()->clear_since();
}
void write(const RelayEvent& it, proto::FleetFact& to) {
  proxy::write_relay_event(it, *to.mutable_relay());
  to.mutable_relay()->clear_at();
}
void write(const PopLogin& it, proto::FleetFact& to) {
  proxy::write_pop_login(it, *to.mutable_login());
  to.mutable_login()->clear_at();
  to.mutable_login()->clear_expires();
}

struct Times {
  Millis at{0};
  Millis expires{0};
};

Result<Fact> read(proto::BadGuy from, Times times, Millis now) {
  from.set_since(times.at.count());
  const Result<BadGuy> it = proxy::read_bad_guy(from, now);
  if (!it) return fail(it.error());
  return Fact{*it, times.expires};
}

Result<Fact> read(proto::RelayEvent from, Times times, Millis now) {
  from.set_at(times.at.count());
  const Result<RelayEvent> it = proxy::read_relay_event(from, now);
  if (!it) return fail(it.error());
  if (it->kind != RelayEvent::Kind::failed && it->kind != RelayEvent::Kind::succeeded) {
    return fail(Errc::protocol, "a decision that is another instance's own");
  }
  return Fact{*it, times.expires};
}

Result<Fact> read(proto::PopLogin from, Times times, Millis now) {
  from.set_at(times.at.count());
  from.set_expires(times.expires.count());
  const Result<PopLogin> it = proxy::read_pop_login(from, now);
  if (!it) return fail(it.error());
  return Fact{*it, it->expires};
}

}  // namespace

std::string name_of(const Fact& fact) {
  return std::visit([](const auto& it) { return name_of(it); }, fact.what);
}

Millis time_of(const Fact& fact) {
  return std::visit([](const auto& it) { return time_of(it); }, fact.what);
}

bool same(const Fact& a, const Fact& b) {
  if (a.what.index() != b.what.index()) return false;
  const bool as_old = std::max(time_of(a), time_of(b)) - std::min(time_of(a), time_of(b)) < nearly;
  return as_old && std::visit(
                       [&](const auto& it) {
                         return says_the_same(it, std::get<std::decay_t<decltype(it)>>(b.what));
                       },
                       a.what);
}

void write_fact(const Fact& from, Millis now, proto::FleetFact& to) {
  to.set_age(std::clamp(now - time_of(from), -ahead, longest_life).count());
  to.set_left(std::clamp(from.expires - now, Millis(0), longest_life).count());
  std::visit([&](const auto& it) { write(it, to); }, from.what);
}

Result<Fact> read_fact(const proto::FleetFact& from, Millis then, Millis now) {
  constexpr int64_t most = longest_life.count();
  if (from.age() < -ahead.count() || from.age() > most || from.left() < 0 || from.left() > most) {
    return fail(Errc::protocol, "a time that is none");
  }
  Times times;
  times.at = std::min(then, now) - Millis(from.age());
  times.expires = std::min(then, now) + Millis(from.left());
  switch (from.fact_case()) {
    case proto::FleetFact::kBadGuy:
      return read(from.bad_guy(), times, now);
    case proto::FleetFact::kRelay:
      return read(from.relay(), times, now);
    case proto::FleetFact::kLogin:
      return read(from.login(), times, now);
    case proto::FleetFact::FACT_NOT_SET:
      break;
  }
  return fail(Errc::protocol, "a fact of a kind that is not known here");
}

}  // namespace openmmp::state
