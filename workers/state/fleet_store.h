// The facts that a Redis or Valkey server keeps for a fleet, by one open connection: each under its
// name with its lifetime, and told to everybody on a channel when it is put there. Which of two
// facts holds is not decided here.
//
// What the server says is checked; what is no fact is left out, and counted. The Loop, the
// identity and the clock must outlive it.
#pragma once

#include <string>

#include "workers/state/fleet_clock.h"
#include "workers/state/fleet_fact.h"
#include "workers/state/redis_connection.h"

namespace openmmp::state {

// What tells this fleet from another, and this member from the others.
struct FleetIdentity {
  std::string prefix;  // of every key and channel
  std::string member;  // random bytes
  std::string channel() const { return prefix + "events"; }
};

class FleetStore {
 public:
  static constexpr size_t most_put = 500;
  // Between two beats there may be so much, and the server still knows that we were here.
  static constexpr Millis membership{60'000};

  // `clock` is kept right from join() on.
  FleetStore(Loop& loop, RedisConnection connection, const FleetIdentity& identity,
             FleetClock& clock);

  // Leaves a mark there, by which beat() sees later whether the server was emptied. Fails on a
  // server that does not take what is written, as a replica does not.
  Task<> join();
  // Tells the others that we are there. False: the mark is gone.
  Task<bool> beat();
  // Puts and publishes; most_put of them at most.
  Task<> put(Facts facts);
  // The next facts that are there, and whether there may be more. `cursor` begins with "0".
  struct Page {
    Facts facts;
    std::string cursor;
    bool last = false;
  };
  Task<Page> read_page(std::string cursor);
  // Of what is kept there, that is not understood.
  size_t odd() const { return odd_; }

 private:
  std::string key_of_member() const;
  std::string message(const Facts& facts) const;
  Task<> read_time(Millis asked);
  Task<Page> read_facts(std::vector<std::string> keys);
  Result<Fact> read_value(const std::string& key, const RedisReply& value,
                          const RedisReply& left) const;

  Loop& loop_;
  RedisConnection connection_;
  const FleetIdentity& identity_;
  FleetClock& clock_;
  size_t odd_ = 0;
};

// Waits on its own connection for what others publish.
Task<> subscribe(RedisConnection& connection, std::string channel);
// The next message on the channel. Errc::protocol: something else came.
Task<proto::FleetMessage> next_message(RedisConnection& connection);

}  // namespace openmmp::state
