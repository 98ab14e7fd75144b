#include "workers/state/fleet_fact.h"

#include <gtest/gtest.h>

#include "workers/state/fleet_clocks.h"

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

TEST(FleetClocks, KnowWhatWasWrittenLongAgo) {
  FleetClocks clocks;
  // The sender's clock is 500 s ahead, and the shortest way takes 2 ms.
  EXPECT_EQ(clocks.written_at("a", Millis(600'050), Millis(100'060)), Millis(100'060));
  EXPECT_EQ(clocks.written_at("a", Millis(601'000), Millis(101'002)), Millis(101'002));
  // The server was stopped for five seconds; an order of two stays one.
  EXPECT_EQ(clocks.written_at("a", Millis(602'000), Millis(107'002)), Millis(102'002));
  EXPECT_EQ(clocks.written_at("a", Millis(602'001), Millis(107'002)), Millis(102'003));
  // Nobody writes in the future, and senders are apart.
  EXPECT_EQ(clocks.written_at("a", Millis(620'000), Millis(108'000)), Millis(108'000));
  EXPECT_EQ(clocks.written_at("b", Millis(7), Millis(108'000)), Millis(108'000));
}

TEST(FleetClocks, ForgetADifferenceThatHoldsNoMore) {
  FleetClocks clocks;
  EXPECT_EQ(clocks.written_at("a", Millis(1000), Millis(1000)), Millis(1000));
  // The sender's host has slept: its clock stood still for an hour.
  Millis ours{3'601'000};
  for (Millis theirs{1001}; theirs <= Millis(121'001); theirs += Millis(30'000)) {
    clocks.written_at("a", theirs, ours);
    ours += Millis(30'000);
  }
  EXPECT_EQ(clocks.written_at("a", Millis(151'001), ours), ours);
}

TEST(FleetClocks, AreBounded) {
  FleetClocks clocks;
  for (int i = 0; i < 5000; ++i) clocks.written_at(std::to_string(i), Millis(0), Millis(i));
  // The first is forgotten, the last is not.
  EXPECT_EQ(clocks.written_at("0", Millis(5), Millis(6000)), Millis(6000));
  EXPECT_EQ(clocks.written_at("4999", Millis(5), Millis(6000)), Millis(5004));
}

}  // namespace
}  // namespace openmmp::state
