#include "workers/state/fleet_fact.h"

#include <gtest/gtest.h>

#include "workers/state/fleet_clock.h"

namespace openmmp::state {
namespace {

constexpr Millis now{1'000'000};

Fact bad_guy(const std::string& ip, int badness, Millis at) {
  proxy::BadGuy it;
  it.address = *SocketAddress::parse(ip, 0);
  it.badness = Seconds(badness);
  it.since = at;
  return Fact{it, at + Millis(900'000)};
}

Fact relay(proxy::RelayEvent::Kind kind, Millis at) {
  proxy::RelayEvent it;
  it.kind = kind;
  it.relay = "relay:25";
  if (kind == proxy::RelayEvent::Kind::failed) {
    it.reason = "no greeting";
    it.avoid_for = Millis(60'000);
  }
  it.at = at;
  return Fact{it, at + Millis(60'000)};
}

Fact login(const std::string& user, Millis at) {
  return Fact{proxy::PopLogin{"192.0.2.1", user, at, at + Millis(1'800'000)},
              at + Millis(1'800'000)};
}

using Kind = proxy::RelayEvent::Kind;

TEST(FleetFact, ComesToAnotherClockAsOldAsItIs) {
  const Fact facts[] = {bad_guy("192.0.2.1", 4, now - Millis(7000)),
                        relay(Kind::failed, now - Millis(1)), relay(Kind::succeeded, now),
                        login("joe@example.com", now - Millis(500))};
  for (const Fact& fact : facts) {
    SCOPED_TRACE(name_of(fact));
    proto::FleetFact said;
    write_fact(fact, now, said);
    // The other's clock is far behind, and the way there took two seconds.
    const Millis there{50'000};
    const auto read = read_fact(said, there, there + Millis(2000));
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(name_of(*read), name_of(fact));
    EXPECT_EQ(there - time_of(*read), now - time_of(fact));
    EXPECT_EQ(read->expires - there, fact.expires - now);
    Fact back = fact;
    std::visit(
        [&](auto& it) {
          using It = std::decay_t<decltype(it)>;
          it = std::get<It>(read->what);
        },
        back.what);
    EXPECT_TRUE(same(*read, back));
  }
}

TEST(FleetFact, OfOneNameSaysTheSameOrNot) {
  const Fact failed = relay(Kind::failed, now);
  EXPECT_EQ(name_of(failed), "relay:relay:25");
  EXPECT_EQ(name_of(failed), name_of(relay(Kind::succeeded, now)));
  EXPECT_FALSE(same(failed, relay(Kind::succeeded, now)));
  EXPECT_TRUE(same(failed, relay(Kind::failed, now + Millis(20))));
  EXPECT_FALSE(same(failed, relay(Kind::failed, now + Millis(60'000))));
  EXPECT_FALSE(same(login("joe", now), login("jim", now)));
  EXPECT_FALSE(same(bad_guy("192.0.2.1", 4, now), bad_guy("192.0.2.1", 0, now)));
  EXPECT_FALSE(same(bad_guy("192.0.2.1", 4, now), login("joe", now)));
}

TEST(FleetFact, IsRefusedWhenNoInstanceWouldSayIt) {
  const auto refused = [](auto change, const Fact& fact) {
    proto::FleetFact said;
    write_fact(fact, now, said);
    change(said);
    return !read_fact(said, now, now);
  };
  const Fact bad = bad_guy("192.0.2.1", 4, now);
  const Fact pop = login("joe", now);
  const Fact down = relay(Kind::failed, now);
  EXPECT_FALSE(refused([](proto::FleetFact&) {}, bad));
  EXPECT_TRUE(refused([](proto::FleetFact& f) { f.clear_fact(); }, bad));
  EXPECT_TRUE(refused([](proto::FleetFact& f) { f.set_age(-5000); }, bad));
  EXPECT_TRUE(refused([](proto::FleetFact& f) { f.set_age(INT64_MAX); }, bad));
  EXPECT_TRUE(refused([](proto::FleetFact& f) { f.set_left(-1); }, bad));
  EXPECT_TRUE(refused([](proto::FleetFact& f) { f.set_left(INT64_MAX); }, bad));
  EXPECT_TRUE(refused([](proto::FleetFact& f) { f.mutable_bad_guy()->set_address("x"); }, bad));
  EXPECT_TRUE(refused([](proto::FleetFact& f) { f.mutable_bad_guy()->set_badness(~0u); }, bad));
  EXPECT_TRUE(refused([](proto::FleetFact& f) { f.mutable_login()->set_user("a\r\nb"); }, pop));
  EXPECT_TRUE(refused([](proto::FleetFact& f) { f.mutable_login()->set_user(""); }, pop));
  EXPECT_TRUE(refused([](proto::FleetFact& f) { f.mutable_relay()->set_relay("a\nb"); }, down));
  const auto decides = [](proto::FleetFact& f) {
    f.mutable_relay()->set_kind(proto::RelayEvent::DISABLED);
  };
  EXPECT_TRUE(refused(decides, down));
}

TEST(FleetClock, IsTheServersWithinHalfATrip) {
  FleetClock clock;
  clock.note(Millis(1000), Millis(1004), Millis(500'000));
  EXPECT_EQ(clock.to_server(Millis(1002)), Millis(500'000));
  EXPECT_EQ(clock.to_ours(Millis(500'010)), Millis(1012));
  // A slow answer changes nothing, nor does it tell of a clock that was set.
  clock.note(Millis(2000), Millis(7000), Millis(501'100));
  EXPECT_EQ(clock.to_server(Millis(1002)), Millis(500'000));
  // A quicker one does.
  clock.note(Millis(8000), Millis(8000), Millis(506'999));
  EXPECT_EQ(clock.to_server(Millis(8000)), Millis(506'999));
}

TEST(FleetClock, FollowsAServerWhoseClockWasSet) {
  FleetClock clock;
  clock.note(Millis(1000), Millis(1000), Millis(500'000));
  clock.note(Millis(3000), Millis(3100), Millis(9'502'050));
  EXPECT_EQ(clock.to_server(Millis(3050)), Millis(9'502'050));
  clock.note(Millis(5000), Millis(5000), Millis(2000));
  EXPECT_EQ(clock.to_server(Millis(5000)), Millis(2000));
}

TEST(FleetClock, BelievesNoMeasureForEver) {
  FleetClock clock;
  clock.note(Millis(1000), Millis(1000), Millis(1000));
  clock.note(Millis(61'000), Millis(61'010), Millis(61'000));
  EXPECT_EQ(clock.to_server(Millis(61'005)), Millis(61'000));
}

}  // namespace
}  // namespace openmmp::state
