#include "workers/proxy/store_health.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace openmmp::proxy {
namespace {

using std::chrono::seconds;

const std::string store = "store1:143";

StoreEvent event(StoreEvent::Kind kind, Time at, int failures = 1) {
  StoreEvent e;
  e.kind = kind;
  e.store = store;
  e.reason = "refused";
  e.at = at;
  e.failures = failures;
  return e;
}

class StoreHealthTest : public testing::Test {
 protected:
  // Three failures, the last at `now`.
  void take_down(StoreHealth& health, Time now) {
    for (int left = 2; left >= 0; --left) health.failed(store, "refused", now - seconds(left));
    ASSERT_TRUE(health.objection(store));
  }
  bool is_up(const StoreHealth& health) { return !health.objection(store); }
  StoreHealthRules rules;
};

TEST_F(StoreHealthTest, FailuresInARowTakeAStoreDown) {
  const struct {
    const char* outcomes;  // f: failed, s: succeeded, a second apart
    int limit;
    bool up;
  } cases[] = {
      {"", 3, true},      {"s", 3, true},        {"ff", 3, true},     {"fff", 3, false},
      {"ffsff", 3, true}, {"fsfsfsfs", 3, true}, {"ffff", 3, false},  {"fffs", 3, true},
      {"f", 1, false},    {"fffffff", 0, true},  {"fffsff", 3, true}, {"fffsfff", 3, false},
  };
  for (const auto& c : cases) {
    rules.failures = c.limit;
    StoreHealth health(rules);
    Time now = seconds(100);
    for (const char* outcome = c.outcomes; *outcome != 0; ++outcome, now += seconds(1)) {
      if (*outcome == 'f') health.failed(store, "refused", now);
      if (*outcome == 's') health.succeeded(store, now);
    }
    EXPECT_EQ(is_up(health), c.up) << c.outcomes;
  }
}

TEST_F(StoreHealthTest, SaysWhyNot) {
  StoreHealth health(rules);
  take_down(health, seconds(100));
  EXPECT_EQ(health.objection(store), "it is down: refused");
  EXPECT_EQ(health.objection("store2:143"), std::nullopt);
}

TEST_F(StoreHealthTest, OneMomentIsOneFailure) {
  StoreHealth health(rules);
  for (int i = 0; i < 10; ++i) health.failed(store, "reset", seconds(100));
  EXPECT_TRUE(is_up(health));
  EXPECT_EQ(health.rows().front().failures, 1);
}

TEST_F(StoreHealthTest, OnlyNewsIsTold) {
  StoreHealth health(rules);
  EXPECT_TRUE(health.succeeded(store, seconds(1)));  // that there is such a store
  EXPECT_FALSE(health.succeeded(store, seconds(2)));
  EXPECT_EQ(health.failed(store, "refused", seconds(3))->failures, 1);
  EXPECT_FALSE(health.failed(store, "refused", seconds(3)));
  EXPECT_EQ(health.failed(store, "refused", seconds(4))->failures, 2);
  EXPECT_TRUE(health.succeeded(store, seconds(5)));
  EXPECT_FALSE(health.succeeded(store, seconds(6)));
}

// Eight workers notice at a time that a store has gone, and hear of each other afterwards, twice.
TEST_F(StoreHealthTest, AnOutageThatManyNoticeIsOneFailure) {
  std::vector<StoreHealth> workers(8, StoreHealth(rules));
  std::vector<StoreEvent> told;
  for (size_t i = 0; i < workers.size(); ++i) {
    told.push_back(*workers[i].failed(store, "reset", Time(5000 + i)));
  }
  for (StoreHealth& worker : workers) {
    for (const StoreEvent& e : told) worker.apply(e);
    for (const StoreEvent& e : told) worker.apply(e);
    EXPECT_TRUE(is_up(worker));
    EXPECT_EQ(worker.rows().front().failures, 1);
  }
  told = {*workers[3].failed(store, "reset", seconds(6))};
  for (StoreHealth& worker : workers) worker.apply(told.front());
  told = {*workers[5].failed(store, "reset", seconds(7))};
  for (StoreHealth& worker : workers) {
    worker.apply(told.front());
    EXPECT_FALSE(is_up(worker));
  }
}

TEST_F(StoreHealthTest, TheOrderOfEventsDoesNotMatter) {
  using enum StoreEvent::Kind;
  std::vector<StoreEvent> events = {event(failed, seconds(1), 1), event(succeeded, seconds(2)),
                                    event(failed, seconds(3), 1), event(failed, seconds(4), 2),
                                    event(disabled, seconds(5)),  event(enabled, seconds(6))};
  std::vector<size_t> order = {0, 1, 2, 3, 4, 5};
  do {
    StoreHealth health(rules);
    for (const size_t i : order) health.apply(events[i]);
    const StoreHealth::Row row = health.rows().front();
    EXPECT_EQ(row.failures, 2);
    EXPECT_TRUE(row.enabled);
    EXPECT_TRUE(row.up);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(StoreHealthTest, WhoBeginsToListenBelievesTheSame) {
  StoreHealth one(rules);
  take_down(one, seconds(100));
  one.apply(event(StoreEvent::Kind::disabled, seconds(101)));
  one.succeeded("store2:143", seconds(102));
  StoreHealth other(rules);
  for (const StoreEvent& e : one.events()) other.apply(e);
  ASSERT_EQ(other.rows().size(), 2u);
  const StoreHealth::Row row = other.rows().front();
  EXPECT_FALSE(row.up);
  EXPECT_FALSE(row.enabled);
  EXPECT_EQ(row.failures, 3);
  EXPECT_EQ(row.reason, "refused");
  EXPECT_EQ(row.since, Time(seconds(100)));
  EXPECT_TRUE(other.rows().back().up);
  EXPECT_EQ(other.most_at_once("store2:143", 10, seconds(102)), std::nullopt);
}

TEST_F(StoreHealthTest, ProbesHaveTheirTurns) {
  rules.probe_interval = seconds(8);
  StoreHealth health(rules);
  EXPECT_FALSE(health.next_due(0));
  take_down(health, seconds(100));
  EXPECT_EQ(health.next_due(0), Time(seconds(106)));
  EXPECT_EQ(health.next_due(0.5), Time(seconds(107)));
  EXPECT_TRUE(health.due(Time(106'999), 0.5).empty());
  EXPECT_EQ(health.due(seconds(107), 0.5), std::vector<std::string>{store});
  EXPECT_TRUE(health.due(seconds(107), 0.5).empty());
  EXPECT_EQ(health.next_due(0.5), Time(seconds(114)));
  // Somebody else was there.
  health.apply(event(StoreEvent::Kind::failed, seconds(112), 4));
  EXPECT_EQ(health.next_due(0.5), Time(seconds(119)));
  health.apply(event(StoreEvent::Kind::succeeded, seconds(113)));
  EXPECT_FALSE(health.next_due(0.5));
  EXPECT_TRUE(is_up(health));
}

TEST_F(StoreHealthTest, TheShortestIntervalIsOne) {
  rules.probe_interval = Time(0);
  StoreHealth health(rules);
  take_down(health, seconds(100));
  EXPECT_EQ(health.due(seconds(101), 0.5).size(), 1u);
  EXPECT_EQ(health.next_due(0.5), Time(101'001));
}

TEST_F(StoreHealthTest, SparesAStoreThatCameBack) {
  StoreHealth health(rules);
  EXPECT_EQ(health.most_at_once(store, 10, seconds(1)), std::nullopt);
  take_down(health, seconds(100));
  health.succeeded(store, seconds(200));
  const struct {
    int second;
    std::optional<int> most;
  } cases[] = {{200, 10}, {201, 20}, {202, 40}, {209, 5120}, {210, std::nullopt}};
  for (const auto& c : cases) {
    EXPECT_EQ(health.most_at_once(store, 10, seconds(c.second)), c.most) << c.second;
  }
  rules.ramp_time = seconds(0);
  StoreHealth unsparing(rules);
  take_down(unsparing, seconds(100));
  unsparing.succeeded(store, seconds(200));
  EXPECT_EQ(unsparing.most_at_once(store, 10, seconds(200)), std::nullopt);
}

TEST_F(StoreHealthTest, TheSparingDoesNotOverflow) {
  rules.ramp_time = std::chrono::hours(24);
  StoreHealth health(rules);
  take_down(health, seconds(100));
  health.succeeded(store, seconds(200));
  EXPECT_EQ(health.most_at_once(store, 1'000'000, seconds(80'000)), std::nullopt);
}

TEST_F(StoreHealthTest, TheOperatorDecidesApartFromHealth) {
  using enum StoreEvent::Kind;
  StoreHealth health(rules);
  health.apply(event(disabled, seconds(1)));
  EXPECT_EQ(health.objection(store), "the operator has taken it out");
  health.succeeded(store, seconds(2));
  EXPECT_FALSE(is_up(health));
  health.apply(event(enabled, seconds(3)));
  EXPECT_TRUE(is_up(health));
  EXPECT_EQ(health.most_at_once(store, 10, seconds(3)), 10);
  // What goes down while it is out is probed as soon as it is in again.
  health.apply(event(disabled, seconds(4)));
  take_down(health, seconds(20));
  EXPECT_FALSE(health.next_due(0));
  health.apply(event(enabled, seconds(30)));
  EXPECT_EQ(health.objection(store), "it is down: refused");
  EXPECT_EQ(health.due(seconds(30), 0).size(), 1u);
  // An old decision that comes late.
  health.apply(event(disabled, seconds(25)));
  EXPECT_TRUE(health.rows().front().enabled);
}

TEST_F(StoreHealthTest, ForgetsTheHealthyOnesOfLongAgo) {
  rules.failures = 1;
  StoreHealth health(rules);
  health.failed("down:143", "refused", seconds(1));
  StoreEvent out = event(StoreEvent::Kind::disabled, seconds(1));
  out.store = "out:143";
  health.apply(out);
  for (size_t i = 0; i < StoreHealth::most_stores + 5; ++i) {
    health.succeeded("s" + std::to_string(i) + ":143", Time(2000 + i));
  }
  EXPECT_EQ(health.rows().size(), StoreHealth::most_stores);
  EXPECT_TRUE(health.objection("down:143"));
  EXPECT_TRUE(health.objection("out:143"));
  EXPECT_FALSE(health.succeeded("s7:143", seconds(20)).has_value());  // known: no news
  EXPECT_TRUE(health.succeeded("s0:143", seconds(20)).has_value());
}

TEST_F(StoreHealthTest, DoesNotForgetWhatTheOperatorDecided) {
  StoreHealth health(rules);
  for (size_t i = 0; i < StoreHealth::most_stores; ++i) {
    StoreEvent out = event(StoreEvent::Kind::disabled, seconds(1));
    out.store = "out" + std::to_string(i);
    health.apply(out);
  }
  EXPECT_FALSE(health.failed(store, "refused", seconds(2)));
  EXPECT_FALSE(health.succeeded(store, seconds(2)));
  EXPECT_EQ(health.rows().size(), StoreHealth::most_stores);
}

}  // namespace
}  // namespace openmmp::proxy
