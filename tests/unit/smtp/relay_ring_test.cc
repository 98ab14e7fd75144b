#include "workers/smtp/relay_ring.h"

#include <gtest/gtest.h>

namespace openmmp::smtp {
namespace {

using proxy::RelayEvent;
using proxy::RelayHealth;
using proxy::Time;
using std::chrono::minutes;
using std::chrono::seconds;

const std::vector<HostPort> three = {HostPort("a", 25), HostPort("b", 485), HostPort("c", 25)};

// The order of one turn, by first letters.
std::string turn(RelayRing& ring, const RelayHealth& health, Time now = Time(0)) {
  std::string order;
  for (const HostPort& relay : ring.take_turn(health, now)) order += relay.host;
  return order;
}

TEST(RelayRing, TakesThemInTurn) {
  RelayRing ring(three, 0);
  const RelayHealth health;
  for (const char* order : {"abc", "bca", "cab", "abc"}) EXPECT_EQ(turn(ring, health), order);
}

TEST(RelayRing, BeginsWhereItIsTold) {
  RelayRing ring(three, 5);
  EXPECT_EQ(turn(ring, RelayHealth()), "cab");
  EXPECT_EQ(turn(ring, RelayHealth()), "abc");
}

// FailoverTimeout 10: ten minutes without it, then one attempt, which decides.
TEST(RelayRing, AvoidsForAWhileAndTriesAgain) {
  RelayRing ring(three, 0);
  RelayHealth health;
  const Time start = seconds(100);
  health.failed("b:485", "refused", minutes(10), start);
  const struct {
    Time at;
    const char* order;
  } turns[] = {{seconds(1), "acb"},
               {seconds(2), "cab"},
               {seconds(3), "acb"},
               {minutes(10) - seconds(1), "cab"}};
  for (const auto& [at, order] : turns)
    EXPECT_EQ(turn(ring, health, start + at), order) << at.count();
  const Time later = start + minutes(10) + seconds(1);
  EXPECT_EQ(turn(ring, health, later), "abc");
  EXPECT_EQ(turn(ring, health, later), "bca");
  health.failed("b:485", "refused", minutes(10), later);
  EXPECT_EQ(turn(ring, health, later), "cab");
  health.succeeded("b:485", later + seconds(1));
  EXPECT_EQ(turn(ring, health, later + seconds(1)), "abc");
  EXPECT_EQ(turn(ring, health, later + seconds(1)), "bca");
}

TEST(RelayRing, TriesTheLeastAvoidedFirstWhenAllAre) {
  RelayRing ring(three, 0);
  RelayHealth health;
  health.failed("a:25", "refused", minutes(10), seconds(20));
  health.failed("b:485", "refused", minutes(10), seconds(30));
  health.failed("c:25", "refused", minutes(10), seconds(10));
  EXPECT_EQ(turn(ring, health, seconds(40)), "cab");
  EXPECT_EQ(turn(ring, health, seconds(40)), "cab");
}

TEST(RelayRing, LeavesOutWhatAnOperatorHasDisabled) {
  RelayRing ring(three, 0);
  RelayHealth health;
  RelayEvent event;
  event.kind = RelayEvent::Kind::disabled;
  event.relay = "a:25";
  event.at = seconds(1);
  ASSERT_TRUE(health.apply(event));
  EXPECT_EQ(turn(ring, health, seconds(2)), "bc");
  EXPECT_EQ(turn(ring, health, seconds(2)), "cb");
  EXPECT_EQ(turn(ring, health, seconds(2)), "bc");
}

TEST(RelayRing, NamesNobodyWhereThereIsNobody) {
  RelayRing ring({}, 7);
  EXPECT_EQ(turn(ring, RelayHealth()), "");
}

}  // namespace
}  // namespace openmmp::smtp
