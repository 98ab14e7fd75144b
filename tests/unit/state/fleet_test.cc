// Members of a fleet and a real redis-server, in one loop.
#include "workers/state/fleet.h"

#include <fmt/format.h>

#include "tests/unit/state/fleet_member.h"
#include "tests/unit/state/fleet_servers.h"

namespace openmmp::state {
namespace {

class RealFleetTest : public FleetTest {
 protected:
  template <class Done>
  [[nodiscard]] bool until(Done done) {
    loop_.update_now();
    for (const Millis end = loop_.now() + Seconds(30); loop_.now() < end;) {
      if (done()) return true;
      loop_.run_turn();
    }
    return false;
  }
  void join_both(const RedisServer& server) {
    for (Member* member : {&a_, &b_}) ASSERT_EQ(member->join({server.url()}), "");
    ASSERT_TRUE(until([&] { return a_.connected() && b_.connected(); })) << logged();
  }
  // Two moments are told apart by milliseconds, and by a few more after a way over the network.
  void later() {
    const Millis before = loop_.now();
    ASSERT_TRUE(until([&] { return loop_.now() > before + Millis(50); }));
  }
  // News of now reach the other, both ways.
  void agree(const std::string& user) {
    a_.log_in("192.0.2.10", user);
    b_.log_in("192.0.2.11", user);
    EXPECT_TRUE(until([&] {
      return b_.user_of("192.0.2.10") == user && a_.user_of("192.0.2.11") == user;
    })) << logged();
  }

  Member a_{loop_, log_};
  Member b_{loop_, log_};
};

TEST_F(RealFleetTest, WhatOneLearnsTheOtherKnows) {
  RedisServer server;
  join_both(server);
  agree("joe");
  b_.fail_login("2001:db8::", 4);
  EXPECT_TRUE(until([&] { return a_.badness_of("2001:db8::") == 4; }));
  later();
  b_.fail_login("2001:db8::", 0);  // forgiven
  EXPECT_TRUE(until([&] { return a_.badness_of("2001:db8::") == 0; }));
  EXPECT_EQ(a_.status.server(), server.url());
  EXPECT_GT(a_.status.since(), 0);
  // Nobody learns what it said itself.
  EXPECT_EQ(b_.learnt, 1);
  EXPECT_EQ(a_.learnt, 3);
}

TEST_F(RealFleetTest, NewsOfOneMomentKeepTheirOrder) {
  RedisServer server;
  join_both(server);
  for (int i = 1; i <= 50; ++i) a_.fail_login("192.0.2.1", i);
  a_.fail_login("192.0.2.1", 0);
  a_.log_in("192.0.2.2", "last");
  EXPECT_TRUE(until([&] { return b_.user_of("192.0.2.2") == "last"; }));
  EXPECT_TRUE(until([&] { return b_.badness_of("192.0.2.1") == 0; }));
}

TEST_F(RealFleetTest, WhoComesLaterKnowsItTooAndNoLongerThanItLasts) {
  RedisServer server;
  ASSERT_EQ(a_.join({server.url()}), "");
  a_.log_in("192.0.2.1", "before");  // it was not connected
  ASSERT_TRUE(until([&] { return a_.connected(); }));
  for (int i = 0; i < 1500; ++i)
    a_.log_in("198.51." + std::to_string(i / 250) + "." + std::to_string(i % 250), "many");
  b_.log_in("192.0.2.7", "theirs");
  ASSERT_TRUE(until([&] { return server.ask({"DBSIZE"}) == "1502\n"; }));
  ASSERT_EQ(b_.join({server.url()}), "");
  EXPECT_TRUE(until([&] { return b_.connected(); }));
  EXPECT_EQ(b_.facts.size(), 1502u);
  EXPECT_EQ(b_.user_of("192.0.2.1"), "before");
  EXPECT_TRUE(until([&] { return a_.user_of("192.0.2.7") == "theirs"; }));
  // It ends for the one when it ends for the other.
  const Millis apart =
      b_.facts.at("login:192.0.2.1").expires - a_.facts.at("login:192.0.2.1").expires;
  EXPECT_LT(std::abs(apart.count()), 3000);
}

TEST_F(RealFleetTest, TheYoungerHoldsWhoeverComesBack) {
  RedisServer server;
  join_both(server);
  agree("first");
  b_.fleet.reset();
  later();
  a_.log_in("192.0.2.11", "second");
  a_.fail_login("192.0.2.1", 8);
  ASSERT_TRUE(until([&] { return server.ask({"EXISTS", "test*[1]:badguy:192.0.2.1"}) == "1\n"; }));
  later();
  b_.fail_login("192.0.2.1", 0);  // told to nobody yet
  ASSERT_EQ(b_.join({server.url()}), "");
  EXPECT_TRUE(until([&] { return b_.user_of("192.0.2.11") == "second"; }));
  EXPECT_TRUE(until([&] { return a_.badness_of("192.0.2.1") == 0; }));
  EXPECT_EQ(b_.badness_of("192.0.2.1"), 0);
}

TEST_F(RealFleetTest, AKilledServerIsMissedAndFoundAgain) {
  RedisServer server;
  join_both(server);
  agree("joe");
  server.kill();
  ASSERT_TRUE(until([&] { return !a_.connected() && !b_.connected(); }));
  EXPECT_NE(a_.status.reason(), "");
  a_.log_in("192.0.2.1", "ann");
  b_.log_in("192.0.2.2", "bob");
  EXPECT_EQ(a_.user_of("192.0.2.10"), "joe");
  const int before = a_.learnt;
  EXPECT_TRUE(until([&, turns = 0]() mutable { return ++turns > 1000; }));
  EXPECT_EQ(a_.learnt, before);
  server.start();  // empty
  EXPECT_TRUE(until([&] {
    return a_.user_of("192.0.2.2") == "bob" && b_.user_of("192.0.2.1") == "ann";
  })) << logged();
  agree("jim");
  EXPECT_EQ(times_logged("shared state is away"), 2);  // once for each
  EXPECT_EQ(times_logged("shared state: connected"), 4);
}

TEST_F(RealFleetTest, AServerThatHangsCountsAsAway) {
  RedisServer server;
  join_both(server);
  server.pause();
  a_.log_in("192.0.2.1", "ann");
  EXPECT_TRUE(until([&] { return !a_.connected() && !b_.connected(); }));
  EXPECT_NE(a_.status.reason().find("within 1 s"), std::string::npos) << a_.status.reason();
  b_.log_in("192.0.2.1", "bob");
  server.resume();
  EXPECT_TRUE(until([&] { return a_.user_of("192.0.2.1") == "bob"; })) << logged();
  EXPECT_TRUE(until([&] { return a_.connected() && b_.connected(); }));
  EXPECT_EQ(b_.user_of("192.0.2.1"), "bob");
  agree("joe");
}

TEST_F(RealFleetTest, AServerThatWasEmptiedIsFilledAgain) {
  RedisServer server;
  join_both(server);
  agree("joe");
  EXPECT_EQ(server.ask({"FLUSHALL"}), "OK\n");
  EXPECT_TRUE(until([&] {
    return server.ask({"EXISTS", "test*[1]:login:192.0.2.10", "test*[1]:login:192.0.2.11"}) ==
           "2\n";
  })) << logged();
  EXPECT_TRUE(a_.connected() && b_.connected());
  EXPECT_GE(times_logged("was emptied"), 1);
  agree("jim");
}

TEST_F(RealFleetTest, APasswordAndAUserAreGiven) {
  // No more rights than docs/fleet.md names.
  RedisServer server({"--requirepass", "other", "--user", "mmp", "on", ">sesame", "~*", "&*",
                      "-@all", "+auth", "+select", "+time", "+set", "+mget", "+scan", "+pttl",
                      "+pexpire", "+publish", "+subscribe"});
  const std::string user = "redis://mmp@127.0.0.1:" + std::to_string(server.port()) + "/3";
  ASSERT_EQ(a_.join({user}, "sesame"), "");
  EXPECT_TRUE(until([&] { return a_.connected(); })) << logged();
  EXPECT_EQ(a_.status.server(), server.url() + "/3");
  ASSERT_EQ(b_.join({user}, "sesame"), "");
  ASSERT_TRUE(until([&] { return b_.connected(); })) << logged();
  agree("joe");
  ASSERT_EQ(b_.join({user}, "wrong"), "");
  EXPECT_TRUE(until([&] { return b_.status.reason().find("WRONGPASS") == 0; }));
  ASSERT_EQ(b_.join({server.url()}, ""), "");
  EXPECT_TRUE(until([&] { return b_.status.reason().find("NOAUTH") == 0; }));
  EXPECT_EQ(times_logged("sesame"), 0);
}

TEST_F(RealFleetTest, WhatIsNotOursIsLeftAlone) {
  RedisServer server;
  server.ask({"SET", "test*[1]:login:192.0.2.1", "garbage", "PX", "100000"});
  server.ask({"SET", "test*[1]:login:192.0.2.2", "garbage"});
  server.ask({"RPUSH", "test*[1]:login:192.0.2.3", "a", "list"});
  server.ask({"SET", "testing", "not below our prefix"});
  join_both(server);
  EXPECT_EQ(a_.learnt, 0);
  EXPECT_GE(times_logged("hold nothing of ours"), 1);
  server.ask({"PUBLISH", "test*[1]:events", "garbage"});
  // A fact under the name of another.
  a_.log_in("192.0.2.10", "joe");
  ASSERT_TRUE(until([&] { return b_.user_of("192.0.2.10") == "joe"; }));
  server.ask({"COPY", "test*[1]:login:192.0.2.10", "test*[1]:login:192.0.2.99"});
  Member c(loop_, log_);
  ASSERT_EQ(c.join({server.url()}), "");
  ASSERT_TRUE(until([&] { return c.connected(); }));
  EXPECT_EQ(c.user_of("192.0.2.10"), "joe");
  EXPECT_EQ(c.user_of("192.0.2.99"), "");
  EXPECT_EQ(server.ask({"GET", "testing"}), "not below our prefix\n");
}

TEST_F(RealFleetTest, TheFirstServerThatTakesWhatIsWrittenIsUsed) {
  RedisServer first;
  RedisServer second;
  second.ask({"REPLICAOF", "127.0.0.1", std::to_string(first.port())});
  const std::string nobody = "redis://127.0.0.1:" + std::to_string(free_port());
  ASSERT_EQ(a_.join({nobody, second.url(), first.url()}), "");
  EXPECT_TRUE(until([&] { return a_.status.server() == first.url() && a_.connected(); }));
  first.kill();
  second.ask({"REPLICAOF", "NO", "ONE"});
  EXPECT_TRUE(until([&] { return a_.status.server() == second.url() && a_.connected(); }));
  // One that comes before it is there again: all members of a fleet are to meet there.
  ASSERT_EQ(b_.join({first.url(), second.url()}), "");
  EXPECT_TRUE(until([&] { return b_.status.server() == second.url() && b_.connected(); }));
  first.start();
  EXPECT_TRUE(until([&] { return b_.status.server() == first.url() && b_.connected(); }));
}

TEST_F(RealFleetTest, MoreNewsThanFitAreComparedInstead) {
  RedisServer server;
  join_both(server);
  for (int i = 0; i < 11'000; ++i) {
    a_.log_in(fmt::format("10.{}.{}.1", i / 250, i % 250), "many");
  }
  EXPECT_TRUE(until([&] { return b_.facts.size() == 11'000; })) << b_.facts.size();
}

TEST_F(RealFleetTest, MayEndAtAnyMoment) {
  RedisServer server;
  join_both(server);
  for (int turns = 0; turns < 120; ++turns) {
    Member c(loop_, log_);
    c.log_in("192.0.2.5", "c");
    ASSERT_EQ(c.join({server.url()}), "");
    for (int i = 0; i < turns; ++i) loop_.run_turn();
    c.log_in("192.0.2.6", "c");
  }
  agree("joe");
}

TEST_F(RealFleetTest, SaysWhatIsWrongWithItsOptions) {
  EXPECT_NE(a_.join({}).find("names no server"), std::string::npos);
  EXPECT_NE(a_.join({"http://x"}).find("accepted: redis://"), std::string::npos);
}

}  // namespace
}  // namespace openmmp::state
