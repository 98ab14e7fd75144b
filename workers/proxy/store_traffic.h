// How many of a worker's sessions are on their way into each store, so that one store that hangs,
// or that everybody comes back to, does not hold up all others. Whoever comes when there are
// enough waits for its turn: first come, first served, in its own coroutine's frame, so that no
// more wait than there are sessions. Lives in Services; outlives the sessions. StoreHealth and the
// Loop outlive it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/result.h"
#include "workers/proxy/store_health.h"

namespace openmmp::proxy {

class StoreTraffic {
 public:
  class Turn;

 private:
  struct Way {
    int connecting = 0;
    int logging_in = 0;  // these included
    LinkedList<Turn> waiting;
  };
  using Ways = std::map<std::string, Way>;

 public:
  // One session's way into a store, from the first packet to the store's answer. Wherever it ends,
  // the next one may begin.
  class Attempt {
   public:
    Attempt(Attempt&& other) noexcept
        : traffic_(std::exchange(other.traffic_, nullptr)),
          way_(other.way_),
          connecting_(other.connecting_) {}
    Attempt& operator=(Attempt&&) = delete;
    ~Attempt();

    // From here on the store can only be slow; it does answer.
    void connected();

   private:
    friend class StoreTraffic;
    Attempt(StoreTraffic& traffic, Ways::iterator way) : traffic_(&traffic), way_(way) {}
    StoreTraffic* traffic_;
    Ways::iterator way_;
    bool connecting_ = true;
  };

  // One session's turn at `store`, which it waits for at most `time`, and not at all when there is
  // room; then this costs no more than a counter. `store` outlives it.
  //   StoreTraffic::Turn turn(traffic, store, time);
  //   Result<StoreTraffic::Attempt> way = co_await turn;
  // Errc::unavailable: the store is not to be used, now or since then; or `time` is over.
  class Turn : public Waiter {
   public:
    Turn(StoreTraffic& traffic, const std::string& store, Millis time)
        : traffic_(traffic),
          store_(store),
          time_(time),
          limit_(traffic.loop_),
          outcome_(traffic.begin(store)) {}
    bool await_ready() const { return outcome_.has_value(); }
    void await_suspend(std::coroutine_handle<> awaiting);
    Result<Attempt> await_resume() { return std::move(*outcome_); }

   private:
    friend class StoreTraffic;
    void finish(Result<Attempt> outcome);
    void give_up();

    StoreTraffic& traffic_;
    const std::string& store_;
    const Millis time_;
    Timer limit_;
    std::optional<Result<Attempt>> outcome_;
  };

  StoreTraffic(Loop& loop, const StoreHealth& health, int most_connecting)
      : loop_(loop), health_(health), most_connecting_(most_connecting), look_again_(loop) {}

 private:
  // Nothing: it has to wait.
  std::optional<Result<Attempt>> begin(const std::string& store);
  Attempt take(Ways::iterator way);
  bool has_room(const Ways::value_type& item) const;
  bool let_in(Ways::iterator way);
  void look_again_soon();
  void look_again();

  Loop& loop_;
  const StoreHealth& health_;
  const int most_connecting_;
  Ways ways_;  // that anybody is on
  Timer look_again_;
};

}  // namespace openmmp::proxy
