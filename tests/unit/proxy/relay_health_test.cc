#include "workers/proxy/relay_health.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace openmmp::proxy {
namespace {

using Kind = RelayEvent::Kind;
using std::chrono::minutes;
using std::chrono::seconds;

// Of one moment, which no other test has to know.
constexpr Time start{50'000};

RelayEvent event(Kind kind, int at, const char* reason = "", Time avoid_for = Time(0)) {
  RelayEvent made;
  made.kind = kind;
  made.relay = "relay:25";
  made.reason = reason;
  made.at = Time(at);
  made.avoid_for = avoid_for;
  return made;
}

// The guide's table: FailoverTimeout 10, and 3.
TEST(RelayHealth, IsAvoidedForAsManyMinutes) {
  struct Case {
    Time avoid_for;
    Time later;
    Time left;
  };
  const Case cases[] = {
      {minutes(10), Time(0), minutes(10)},
      {minutes(10), minutes(9) + seconds(59), seconds(1)},
      {minutes(10), minutes(10) - Time(1), Time(1)},
      {minutes(10), minutes(10), Time(0)},
      {minutes(10), minutes(10) + seconds(1), Time(0)},
      {minutes(3), minutes(2), minutes(1)},
      {minutes(3), minutes(3), Time(0)},
      {Time(0), Time(0), Time(0)},
  };
  for (const Case& c : cases) {
    RelayHealth health;
    EXPECT_EQ(health.avoided_for("relay:25", start), Time(0));
    health.failed("relay:25", "refused", c.avoid_for, start);
    EXPECT_EQ(health.avoided_for("relay:25", start + c.later), c.left) << c.later.count();
    EXPECT_EQ(health.avoided_for("other:25", start + c.later), Time(0));
  }
}

TEST(RelayHealth, IsTriedAgainAndEitherServesOrIsAvoidedAnew) {
  RelayHealth health;
  health.failed("relay:25", "refused", minutes(10), start);
  const Time again = start + minutes(10) + seconds(1);
  ASSERT_EQ(health.avoided_for("relay:25", again), Time(0));
  health.failed("relay:25", "no greeting", minutes(10), again);
  EXPECT_EQ(health.avoided_for("relay:25", again + minutes(9)), minutes(1));
  EXPECT_EQ(health.rows().at(0).reason, "no greeting");

  EXPECT_TRUE(health.succeeded("relay:25", again + minutes(1)));
  EXPECT_EQ(health.avoided_for("relay:25", again + minutes(1)), Time(0));
  EXPECT_FALSE(health.succeeded("relay:25", again + minutes(2)));  // no news
  EXPECT_FALSE(health.succeeded("other:25", again));
  EXPECT_EQ(health.rows().at(0).reason, "no greeting");
  EXPECT_EQ(health.rows().at(0).avoided_until, Time(0));
}

TEST(RelayHealth, WithinOneMillisecondTheLastHolds) {
  RelayHealth here;
  RelayHealth there;
  there.apply(here.failed("relay:25", "a", minutes(1), start));
  there.apply(*here.succeeded("relay:25", start));
  EXPECT_EQ(there.avoided_for("relay:25", start), Time(0));
  there.apply(here.failed("relay:25", "b", minutes(1), start));
  EXPECT_GT(here.avoided_for("relay:25", start), Time(0));
  EXPECT_GT(there.avoided_for("relay:25", start), Time(0));
}

TEST(RelayHealth, EventsMayComeInAnyOrderAndTwice) {
  std::vector<RelayEvent> events = {
      event(Kind::failed, 10, "early", minutes(10)),
      event(Kind::succeeded, 20),
      event(Kind::failed, 30, "late", minutes(5)),
      event(Kind::failed, 30, "late, too", minutes(5)),
      event(Kind::disabled, 5),
      event(Kind::enabled, 25),
      event(Kind::disabled, 40),
  };
  std::vector<int> order = {0, 1, 2, 3, 4, 5, 6};
  do {
    RelayHealth health;
    for (const int i : order) health.apply(events[static_cast<size_t>(i)]);
    for (const int i : order) {
      EXPECT_FALSE(health.apply(events[static_cast<size_t>(i)])) << i;
    }
    const RelayHealth::Row row = health.rows().at(0);
    ASSERT_EQ(row.reason, "late, too");
    ASSERT_EQ(row.failed_at, Time(30));
    ASSERT_EQ(row.avoided_until, Time(30) + minutes(5));
    ASSERT_FALSE(row.enabled);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(RelayHealth, ASuccessThatWasOvertakenByItsFailureStillCounts) {
  RelayHealth health;
  EXPECT_TRUE(health.apply(event(Kind::succeeded, 20)));
  EXPECT_TRUE(health.apply(event(Kind::failed, 10, "over", minutes(10))));
  EXPECT_EQ(health.avoided_for("relay:25", Time(21)), Time(0));
}

TEST(RelayHealth, WhatAnOperatorDecidesIsApartFromHealth) {
  RelayHealth health;
  EXPECT_TRUE(health.enabled("relay:25"));
  EXPECT_TRUE(health.apply(event(Kind::disabled, 10)));
  EXPECT_FALSE(health.enabled("relay:25"));
  EXPECT_EQ(health.avoided_for("relay:25", Time(10)), Time(0));
  health.failed("relay:25", "refused", minutes(1), Time(20));
  health.succeeded("relay:25", Time(30));
  EXPECT_FALSE(health.enabled("relay:25"));
  EXPECT_FALSE(health.apply(event(Kind::enabled, 9)));
  EXPECT_TRUE(health.apply(event(Kind::enabled, 11)));
  EXPECT_TRUE(health.enabled("relay:25"));
}

TEST(RelayHealth, WhoComesLaterIsToldAll) {
  RelayHealth old;
  old.apply(event(Kind::disabled, 10));
  old.failed("relay:25", "refused", minutes(10), start);
  old.failed("well:25", "refused", minutes(10), start);
  old.succeeded("well:25", start + minutes(1));
  RelayHealth fresh;
  for (const RelayEvent& told : old.events()) fresh.apply(told);
  ASSERT_EQ(fresh.rows().size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(fresh.rows()[i].relay, old.rows()[i].relay);
    EXPECT_EQ(fresh.rows()[i].enabled, old.rows()[i].enabled);
    EXPECT_EQ(fresh.rows()[i].reason, old.rows()[i].reason);
    EXPECT_EQ(fresh.rows()[i].avoided_until, old.rows()[i].avoided_until);
  }
  EXPECT_TRUE(RelayHealth().events().empty());
}

TEST(RelayHealth, OfTooManyTheWellOnesAreForgotten) {
  RelayHealth health;
  const auto name = [](size_t i) { return "relay" + std::to_string(i) + ":25"; };
  RelayEvent decision = event(Kind::disabled, 1);
  decision.relay = name(0);
  health.apply(decision);
  health.failed(name(1), "refused", minutes(10), Time(1));
  for (size_t i = 2; i < RelayHealth::most_relays + 10; ++i) {
    health.failed(name(i), "refused", minutes(10), start + Time(i));
    if (i == 500) health.succeeded(name(i), start + seconds(100));
  }
  const std::vector<RelayHealth::Row> rows = health.rows();
  EXPECT_EQ(rows.size(), RelayHealth::most_relays);
  EXPECT_FALSE(health.enabled(name(0)));
  const auto has = [&](size_t i) {
    return std::any_of(rows.begin(), rows.end(),
                       [&](const auto& row) { return row.relay == name(i); });
  };
  EXPECT_FALSE(has(500));  // well, and gone first
  EXPECT_FALSE(has(1));    // then whoever was heard of longest ago
  EXPECT_TRUE(has(RelayHealth::most_relays + 9));
}

TEST(RelayHealth, WhereAllAreDecidedNothingMoreIsKept) {
  RelayHealth health;
  for (size_t i = 0; i < RelayHealth::most_relays; ++i) {
    RelayEvent decision = event(Kind::disabled, 1);
    decision.relay = "relay" + std::to_string(i);
    EXPECT_TRUE(health.apply(decision));
  }
  EXPECT_FALSE(health.apply(event(Kind::failed, 5, "refused", minutes(1))));
  EXPECT_EQ(health.failed("relay:25", "refused", minutes(1), start).reason, "refused");
  EXPECT_EQ(health.rows().size(), RelayHealth::most_relays);
}

}  // namespace
}  // namespace openmmp::proxy
