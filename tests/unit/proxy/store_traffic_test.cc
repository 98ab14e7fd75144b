#include "workers/proxy/store_traffic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>

#include "ipc/runtime/task.h"

namespace openmmp::proxy {
namespace {

const std::string a = "a:143";
const std::string b = "b:143";

StoreHealthRules rules() {
  StoreHealthRules rules;
  rules.failures = 3;
  rules.ramp_time = Seconds(3600);
  return rules;
}

// Two at a time may be connecting to a store.
class StoreTrafficTest : public testing::Test {
 protected:
  using Coming = Task<StoreTraffic::Attempt>;
  static Coming enter(StoreTraffic& traffic, const std::string& store, Millis time) {
    StoreTraffic::Turn turn(traffic, store, time);
    co_return co_await turn;
  }
  // One more session; its Task is finished when it is in, or has been refused.
  Coming& come(const std::string& store = a, Millis time = Seconds(3600)) {
    comers.push_back(enter(traffic, store, time));
    comers.back().start();
    return comers.back();
  }
  std::vector<Coming*> come(int count) {
    std::vector<Coming*> these;
    for (int i = 0; i < count; ++i) these.push_back(&come());
    return these;
  }
  void leave(const Coming& one) {
    comers.remove_if([&](const Coming& other) { return &other == &one; });
  }
  static bool is_in(Coming& one) { return one.finished() && one.result(); }
  // Lets those go on whose turn has come.
  void turn() { loop.run_turn(); }
  static size_t count_in(const std::vector<Coming*>& these) {
    return static_cast<size_t>(
        std::count_if(these.begin(), these.end(), [](Coming* one) { return is_in(*one); }));
  }
  void fail_three_times() {
    for (int i = 0; i < 3; ++i) health.failed(a, "no route", failing_at += Millis(1));
  }
  // It has been down, and came back so long ago.
  void come_back(Millis ago) {
    fail_three_times();
    health.succeeded(a, loop.now() - ago);
  }

  Loop loop;
  StoreHealth health{rules()};
  StoreTraffic traffic{loop, health, 2};
  Time failing_at = loop.now();
  std::list<Coming> comers;
};

TEST_F(StoreTrafficTest, WhoFindsRoomDoesNotWait) {
  Coming& first = come();
  EXPECT_TRUE(is_in(first) && is_in(come()));
  EXPECT_FALSE(come().finished());
  EXPECT_TRUE(is_in(come(b)));  // another store
}

TEST_F(StoreTrafficTest, AHealthyStoreTakesAHundredAtOnce) {
  const std::vector<Coming*> all = come(100);
  size_t in = count_in(all);
  EXPECT_EQ(in, 2u);
  for (size_t connected = 0; connected < all.size(); ++connected) {
    ASSERT_TRUE(is_in(*all[connected])) << "not in the order in which they came";
    (*all[connected]->result()).connected();
    turn();
    in = std::min(in + 1, all.size());
    EXPECT_EQ(count_in(all), in);
  }
}

TEST_F(StoreTrafficTest, AConnectionCountsOnce) {
  Coming& first = come();
  come();
  const std::vector<Coming*> waiting = come(2);
  first.result()->connected();
  first.result()->connected();
  leave(first);
  turn();
  EXPECT_EQ(count_in(waiting), 1u);
}

TEST_F(StoreTrafficTest, AnAttemptThatEndsMakesRoom) {
  Coming& first = come();
  come();
  Coming& third = come();
  Coming& fourth = come();
  leave(first);
  turn();
  EXPECT_TRUE(is_in(third));
  EXPECT_FALSE(fourth.finished());
}

TEST_F(StoreTrafficTest, WhoComesLaterDoesNotOvertake) {
  Coming& first = come();
  come();
  Coming& third = come();
  leave(first);
  Coming& fourth = come();
  turn();
  EXPECT_TRUE(is_in(third));
  EXPECT_FALSE(fourth.finished());
}

TEST_F(StoreTrafficTest, AStoreThatHangsIsNotWaitedForLonger) {
  come(2);
  Coming& third = come(a, Millis(2));
  Coming& patient = come();
  while (!third.finished()) turn();
  EXPECT_EQ(third.result().error().code, Errc::unavailable);
  EXPECT_NE(third.result().error().detail.find("no turn within 0.002 s: no more than 2 "),
            std::string::npos);
  EXPECT_FALSE(patient.finished());
}

TEST_F(StoreTrafficTest, WhoWaitsForAStoreThatGoesDownIsToldAtOnce) {
  const std::vector<Coming*> inside = come(2);
  const std::vector<Coming*> waiting = come(3);
  fail_three_times();
  leave(*inside[0]);
  turn();
  for (Coming* one : waiting) {
    ASSERT_TRUE(one->finished());
    EXPECT_EQ(one->result().error(), Error(Errc::unavailable, "not tried: it is down: no route"));
  }
  Coming& late = come();
  ASSERT_TRUE(late.finished());
  EXPECT_EQ(late.result().error(), Error(Errc::unavailable, "not tried: it is down: no route"));
}

TEST_F(StoreTrafficTest, WhatOthersFindOutIsNoticedWhileNobodyEnds) {
  come(2);
  Coming& third = come();
  fail_three_times();
  while (!third.finished()) turn();
  EXPECT_FALSE(third.result());
}

TEST_F(StoreTrafficTest, WhoLeavesWhileWaitingTakesNoTurn) {
  Coming& first = come();
  come();
  Coming& third = come();
  Coming& fourth = come();
  leave(third);
  leave(first);
  turn();
  EXPECT_TRUE(is_in(fourth));
}

TEST_F(StoreTrafficTest, WhoLeavesWithATurnPassesItOn) {
  Coming& first = come();
  come();
  Coming& third = come();
  Coming& fourth = come();
  leave(first);  // the third is to go on, and has not yet
  leave(third);
  turn();
  EXPECT_TRUE(is_in(fourth));
}

TEST_F(StoreTrafficTest, AllMayLeaveInAnyOrder) {
  for (const bool last_first : {false, true}) {
    come(20);
    while (!comers.empty()) {
      last_first ? comers.pop_back() : comers.pop_front();
    }
    EXPECT_TRUE(is_in(come()));  // nothing is left of them
    comers.clear();
  }
}

TEST_F(StoreTrafficTest, AStoreThatIsSparedTakesLoginsOneAfterTheOther) {
  come_back(Millis(0));
  const std::vector<Coming*> inside = come(2);
  for (Coming* one : inside) one->result()->connected();
  Coming& third = come();
  turn();
  EXPECT_FALSE(third.finished());
  leave(*inside[0]);  // it is logged in
  turn();
  EXPECT_TRUE(is_in(third));
}

TEST_F(StoreTrafficTest, WithTimeMoreMayGo) {
  come_back(Millis(0));
  const std::vector<Coming*> inside = come(2);
  for (Coming* one : inside) one->result()->connected();
  const std::vector<Coming*> waiting = come(5);
  come_back(Seconds(1));
  leave(*inside[0]);
  turn();
  EXPECT_EQ(count_in(waiting), 2u);  // two may connect at a time
  for (Coming* one : waiting) {
    if (is_in(*one)) one->result()->connected();
  }
  turn();
  EXPECT_EQ(count_in(waiting), 3u);  // four may be logging in
}

TEST_F(StoreTrafficTest, WhoeverComesNextLetsThemIn) {
  come_back(Millis(0));
  for (Coming* one : come(2)) one->result()->connected();
  Coming& third = come();
  come_back(Seconds(1));
  Coming& fourth = come();
  turn();
  EXPECT_TRUE(is_in(third) && is_in(fourth));
}

}  // namespace
}  // namespace openmmp::proxy
