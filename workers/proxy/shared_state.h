// What all workers of an instance know together, as one of them sees it: bad guys, seats (who holds
// how many connections and sessions), the health of stores and relays, who logged in by POP.
// Questions are answered from what is here; only a seat that may be the last one is asked for.
// mmp-state holds the whole; while it is away the worker goes on with what it knows, and tells it
// all again when it is back.
//
// One a worker, in Services. The Loop and the Log outlive it; sessions, with their Seats, do not.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/network.h"
#include "ipc/runtime/task.h"
#include "ipc/runtime/unique_fd.h"
#include "workers/proxy/bad_guys.h"
#include "workers/proxy/pop_logins.h"
#include "workers/proxy/relay_health.h"
#include "workers/proxy/seat_book.h"
#include "workers/proxy/store_health.h"

namespace openmmp::proto {
class FromState;
class ToState;
class Verdict;
}  // namespace openmmp::proto

namespace openmmp::proxy {

class SharedState;

// One of so many that share a key: an address's connections, a user's sessions. It is free again
// when this is destroyed.
class Seat {
 public:
  Seat() = default;
  Seat(Seat&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)), number_(other.number_) {}
  Seat& operator=(Seat&& other) noexcept;
  ~Seat();

 private:
  friend class SharedState;
  Seat(SharedState* state, uint64_t number) : state_(state), number_(number) {}
  SharedState* state_ = nullptr;
  uint64_t number_ = 0;
};

// A session with a relay, for as long as this lives.
class RelayUse {
 public:
  RelayUse() = default;
  RelayUse(RelayUse&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)), relay_(std::move(other.relay_)) {}
  RelayUse& operator=(RelayUse&& other) noexcept;
  ~RelayUse();

 private:
  friend class SharedState;
  RelayUse(SharedState* state, std::string relay) : state_(state), relay_(std::move(relay)) {}
  SharedState* state_ = nullptr;
  std::string relay_;
};

class SharedState {
 public:
  struct Options {
    std::string service;   // seats are counted for each service apart
    std::string protocol;  // "imap": other workers' stores are not for this one to know
    uint32_t generation = 0;
    uint32_t index = 0;
    BadGuyRules bad_guys;
    Networks never_bad;  // BGExcluded
    StoreHealthRules stores;
  };
  SharedState(Loop& loop, Log& log, Options options);
  SharedState(const SharedState&) = delete;
  SharedState& operator=(const SharedState&) = delete;
  ~SharedState();

  // The way to mmp-state, from the supervisor: at first, and again whenever mmp-state was started
  // anew.
  void connect(UniqueFd socket);
  bool connected() const;

  // Bad guys. The log has a line for each failure: "badguy 192.0.2.1 now has 4 badness".
  Seconds badness(const SocketAddress& client) const;
  void login_failed(const SessionContext& context);
  void login_succeeded(const SessionContext& context);

  // A seat of `key` ("address 192.0.2.1", "user joe@example.com"), of which all workers of the
  // service together have `limit`. Errc::limit: none is left. It waits for mmp-state only when the
  // key is known to be near its limit (half of it taken); a seat given without asking that turns
  // out to be one too many ends its session by interrupting `context`, which must outlive the Seat.
  Task<Seat> take_seat(std::string key, int limit, SessionContext& context);
  // The same as far as it goes without waiting, and so without a coroutine; nothing: mmp-state must
  // be asked, by take_seat(). For the path of every login:
  //   std::optional<Seat> seat = co_await state.try_seat(key, limit, context);
  //   if (!seat) seat = co_await state.take_seat(key, limit, context);
  Result<std::optional<Seat>> try_seat(const std::string& key, int limit, SessionContext& context);

  // Stores: the same questions as StoreHealth has, and what happens is told to all.
  StoreHealth& stores() { return stores_; }
  void store_failed(const std::string& store, std::string reason);
  void store_succeeded(const std::string& store);

  // SMTP relays: which are avoided, told to all; and who has a session where, for mmpctl.
  const RelayHealth& relays() const { return relays_; }
  void relay_failed(const std::string& relay, std::string reason, Time avoid_for);
  void relay_succeeded(const std::string& relay);
  RelayUse use_relay(const std::string& relay);

  // Logins kept here, for an mmp-state that has lost them.
  static constexpr size_t most_logins = 20'000;
  // POP before SMTP: a login to be remembered until `expires`, on the loop's clock.
  void record_login(PopLogin login);
  // Who has logged in from this address; nothing: nobody. When mmp-state is away, or has not
  // answered after a second, only those count that logged in by this very worker.
  Task<std::optional<PopLogin>> find_login(std::string address);

 private:
  friend class Seat;
  friend class RelayUse;
  struct Link;
  struct Question;
  struct LoginQuestion;
  struct Load {
    uint32_t sessions = 0;
    bool is_told = true;
  };

  Task<> listen(Link& link);
  void hear(const proto::FromState& message);
  void hear_verdict(const proto::Verdict& verdict);
  void lose_link();
  void leave(uint64_t seat);
  void tell_in(Millis time);
  void tell();
  proto::ToState gather();
  void end_refused();
  void tell_of(const BadGuy& entry);
  void tell_of(std::optional<StoreEvent> event);
  void begin_relays_and_logins();
  void hear_relays_and_logins(const proto::FromState& message);
  void gather_relays_and_logins(proto::ToState& message);
  bool has_news_of_relays_or_logins() const;
  void lose_login_questions();
  void tell_of(RelayEvent event);
  void note_load(Load& load);
  void leave_relay(const std::string& relay);
  bool has_news() const;

  Loop& loop_;
  Log& log_;
  const Options options_;
  BadGuys bad_guys_;
  StoreHealth stores_;
  RelayHealth relays_;
  SeatBook seats_;
  std::map<uint64_t, Question*> questions_;  // of seats that somebody waits for
  std::vector<uint64_t> refused_;            // whose sessions are to end
  std::deque<BadGuy> bad_guy_news_;
  std::deque<StoreEvent> store_news_;
  std::map<std::string, Load> loads_;  // of relays
  bool loads_changed_ = false;
  std::deque<RelayEvent> relay_news_;
  PopLogins logins_{most_logins};  // that happened here
  std::deque<PopLogin> login_news_;
  std::map<uint64_t, LoginQuestion*> login_questions_;  // that somebody waits for
  std::vector<uint64_t> questions_to_ask_;              // of these
  uint64_t last_login_question_ = 0;
  Timer telling_;
  Millis tell_at_{0};
  std::unique_ptr<Link> link_;
};

}  // namespace openmmp::proxy
