// mmp-state without its process: a conversation with each worker, what all of them know together,
// and the answers to mmpctl. Seats are decided here; bad guys and events of stores and relays are
// merged and passed on to all other workers; who has logged in by POP is told to who asks.
//
// Workers are exposed to the world: what they say is checked, what they may make us keep has
// bounds, and one that breaks the rules is not listened to any more. The Loop and the Log must
// outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/channel.h"
#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "proto/state.pb.h"
#include "workers/proxy/bad_guys.h"
#include "workers/proxy/pop_logins.h"
#include "workers/proxy/relay_health.h"
#include "workers/proxy/store_health.h"
#include "workers/state/fleet_fact.h"
#include "workers/state/seat_register.h"

namespace openmmp::state {

struct WorkerLink;

class StateServer {
 public:
  static constexpr size_t most_logins = 1'000'000;

  StateServer(Loop& loop, Log& log);
  StateServer(const StateServer&) = delete;
  StateServer& operator=(const StateServer&) = delete;
  ~StateServer();

  // Begins a conversation; `socket` leads to a worker.
  void add_worker(UniqueFd socket);
  size_t workers() const;
  // A question of mmpctl's.
  proto::StateReply answer(const proto::StateRequest& request);

  // What is to survive this process; `wall` is now by the clock of the host, since 1970.
  proto::Snapshot snapshot(Millis wall) const;
  // Before the first worker. What is wrong in it is left out.
  void restore(const proto::Snapshot& snapshot, Millis wall);
  // True when the snapshot would not be what it was at the last call.
  bool take_changed() { return std::exchange(changed_, false); }

  // Other instances: `tell` is told what becomes known here, learn() what has become known there,
  // and facts() is all that both may know. An empty `tell`: there are none.
  void share_by(std::function<void(const Fact&)> tell) { tell_fleet_ = std::move(tell); }
  void learn(const Fact& fact);
  Facts facts() const;

 private:
  using Link = WorkerLink;

  Task<> talk(Link& link);
  Result<> hear(Link& link, const proto::ToState& message);
  Result<> greet(Link& link, const proto::WorkerHello& hello);
  Result<> hear_seats(Link& link, const proto::ToState& message);
  Result<> hear_bad_guys(Link& link, const proto::ToState& message);
  Result<> hear_stores(Link& link, const proto::ToState& message);
  Result<> hear_relays(Link& link, const proto::ToState& message);
  Result<> hear_logins(Link& link, const proto::ToState& message);
  void adopt_bad_guy_rules(const proto::WorkerHello& hello);
  void adopt_store_rules(const proto::WorkerHello& hello);
  void spread(const proxy::BadGuy& entry, const Link* except);
  void spread(const proxy::StoreEvent& event, const Link* except);
  void spread(const proxy::RelayEvent& event, const Link* except);
  void spread_counts();
  void share(const proxy::BadGuy& entry);
  void share(const proxy::RelayEvent& event);
  void share(const proxy::PopLogin& login);
  Millis end_of(const proxy::BadGuy& entry) const;
  void tell_soon(Millis time);
  void tell();
  void tell(Link& link);
  void reap();
  void answer(const proto::StateRequest::BadGuys& request, proto::StateReply& reply);
  void answer(const proto::StateRequest::Stores& request, proto::StateReply& reply);
  void answer(const proto::StateRequest::Relays& request, proto::StateReply& reply);
  void answer(const proto::StateRequest::Auth& request, proto::StateReply& reply);
  void decide_store(const std::string& name, bool enabled, proto::StateReply& reply);
  void decide_relay(const proto::StateRequest::Relays& request, proto::StateReply& reply);
  std::map<std::string, proto::RelayRow> relay_rows(
      const proto::StateRequest::Relays& request) const;
  void write_relays_and_logins(Millis wall, proto::Snapshot& snapshot) const;
  void restore_relays_and_logins(const proto::Snapshot& snapshot, Millis wall);

  Loop& loop_;
  Log& log_;
  proxy::BadGuyRules bad_guy_rules_;
  proxy::StoreHealthRules store_rules_;
  // Never empty: made anew when the rules change.
  std::optional<proxy::BadGuys> bad_guys_;
  std::optional<proxy::StoreHealth> stores_;
  proxy::RelayHealth relays_;
  proxy::PopLogins logins_{most_logins};
  SeatRegister seats_;
  std::list<Link> links_;
  uint64_t last_link_ = 0;
  Timer telling_;
  BeforeWait each_turn_;
  bool changed_ = false;
  std::function<void(const Fact&)> tell_fleet_;
};

}  // namespace openmmp::state
