// What instances share: one thing that is so of one login, bad guy or relay, and when it became so.
// Here it has a name, a size on the wire, and is told from another about the same. No clock here:
// `now` is the loop's, and the times of a Fact are of that clock.
#pragma once

#include <map>
#include <string>
#include <variant>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/result.h"
#include "proto/fleet.pb.h"
#include "workers/proxy/bad_guys.h"
#include "workers/proxy/pop_logins.h"
#include "workers/proxy/relay_health.h"

namespace openmmp::state {

// Of anything shared.
constexpr Millis longest_life = std::chrono::hours(24 * 366);

struct Fact {
  // A relay's event is a failure or a success; what an operator decides stays in the instance.
  std::variant<proxy::BadGuy, proxy::RelayEvent, proxy::PopLogin> what;
  Millis expires{0};  // from here on nobody needs to be told
};

using Facts = std::map<std::string, Fact>;  // by name_of()

// "login:192.0.2.1". Of two facts with one name the younger holds.
std::string name_of(const Fact& fact);
Millis time_of(const Fact& fact);
// Says the same, of nearly the same time: a fact that has been to another host and back comes back
// a little younger than it was.
bool same(const Fact& a, const Fact& b);

void write_fact(const Fact& from, Millis now, proto::FleetFact& to);
// `then` is when it was written, by our clock. Errc::protocol: no instance would say this.
Result<Fact> read_fact(const proto::FleetFact& from, Millis then, Millis now);

}  // namespace openmmp::state
