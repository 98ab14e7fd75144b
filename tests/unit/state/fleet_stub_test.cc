// A member of a fleet whose server is hostile, or out of its mind.
#include "tests/unit/state/fleet_member.h"
#include "tests/unit/state/fleet_servers.h"

namespace openmmp::state {
namespace {

class HostileFleetTest : public FleetTest {
 protected:
  template <class Done>
  [[nodiscard]] bool until(Done done) {
    loop_.update_now();
    for (const Millis end = loop_.now() + Seconds(20); loop_.now() < end;) {
      if (done()) return true;
      stub_.turn();
      loop_.run_turn();
    }
    return false;
  }

  StubRedis stub_;
  Member member_{loop_, log_};
};

TEST_F(HostileFleetTest, TheStubIsAServer) {
  ASSERT_EQ(member_.join({stub_.url()}), "");
  EXPECT_TRUE(until([&] { return member_.connected(); })) << logged();
  EXPECT_TRUE(until([&] { return stub_.heard("PEXPIRE") > 3; }));
  EXPECT_TRUE(member_.connected());
  EXPECT_EQ(stub_.connections(), 2);
}

TEST_F(HostileFleetTest, NothingItSaysIsBelieved) {
  struct Case {
    const char* command;
    std::string reply;
    const char* reason;
  };
  const std::string deep = [] {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "*1\r\n";
    return text;
  }();
  const Case cases[] = {
      {"SUBSCRIBE", "HTTP/1.1 400 Bad Request\r\n\r\n", "no reply of a Redis server"},
      {"SUBSCRIBE", "+OK\r\n", "a reply to SUBSCRIBE that is none"},
      {"SUBSCRIBE", "*0\r\n", "a reply to SUBSCRIBE that is none"},
      {"SUBSCRIBE", "*3\r\n:1\r\n:2\r\n:3\r\n", "a reply to SUBSCRIBE that is none"},
      {"SUBSCRIBE", "-NOPERM no\x1b[2J\r\n", "NOPERM no"},
      {"SET", "$-2\r\n", "no reply of a Redis server"},
      {"SET", "*2147483647\r\n", "no reply of a Redis server"},
      {"SET", "*100000\r\n", "no reply of a Redis server"},
      {"SET", "*-7\r\n", "no reply of a Redis server"},
      {"SET", deep, "no reply of a Redis server"},
      {"SET", "$2147483647\r\nabc", "within 1 s"},
      {"SET", "$99999999999999999999\r\n", "no reply of a Redis server"},
      {"SET", "$5000000\r\n" + std::string(5'000'000, 'x'), "a reply of more than"},
      {"SET", "+" + std::string(5'000'000, 'x'), "a reply of more than"},
      {"SET", "+half", "within 1 s"},
      {"SET", "", "within 1 s"},
      {"SET", "-READONLY You can't write against a read only replica.\r\n", "READONLY"},
      {"TIME", "+now\r\n", "a reply to TIME that is none"},
      {"TIME", "*0\r\n", "a reply to TIME that is none"},
      {"TIME", resp_list({"1", "-1"}), "a reply to TIME that is none"},
      {"TIME", resp_list({"99999999999999999999", "1"}), "a reply to TIME that is none"},
      {"TIME", "*2\r\n:1\r\n:1\r\n", "a reply to TIME that is none"},
      {"SCAN", "*2\r\n*0\r\n*0\r\n", "a reply to SCAN that is none"},
      {"SCAN", ":0\r\n", "a reply to SCAN that is none"},
      {"SCAN", "*2\r\n$30\r\n012345678901234567890123456789\r\n*0\r\n", "a reply to SCAN"},
      {"SCAN", "*2\r\n$1\r\n0\r\n$4\r\nkeys\r\n", "a reply to SCAN that is none"},
      {"MGET", "*0\r\n", "a reply to MGET that is none"},
      {"MGET", "+OK\r\n", "a reply to MGET that is none"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.command) + " " + c.reply.substr(0, 60));
    stub_.say("SCAN", "*2\r\n$1\r\n0\r\n" + resp_list({"test*[1]:login:192.0.2.1"}));
    stub_.say("MGET", resp_list({"garbage"}));
    stub_.say(c.command, c.reply);
    member_.status.Clear();
    ASSERT_EQ(member_.join({stub_.url()}), "");
    EXPECT_TRUE(until([&] { return !member_.status.reason().empty(); }));
    EXPECT_NE(member_.status.reason().find(c.reason), std::string::npos)
        << member_.status.reason().substr(0, 200);
    EXPECT_FALSE(member_.connected());
    stub_.say("SET", "+OK\r\n");
    stub_.say("SUBSCRIBE", resp_list({"subscribe", "test*[1]:events", "1"}));
    stub_.say("TIME", resp_list({"1700000000", "500"}));
  }
  EXPECT_EQ(logged().find('\x1b'), std::string::npos);
  EXPECT_EQ(member_.learnt, 0);
}

TEST_F(HostileFleetTest, BeatsThatAreNotAnsweredEndIt) {
  for (const char* reply : {"", "+PONG\r\n", "-ERR no\r\n"}) {
    SCOPED_TRACE(reply);
    stub_.say("PEXPIRE", ":1\r\n");
    ASSERT_EQ(member_.join({stub_.url()}), "");
    ASSERT_TRUE(until([&] { return member_.connected(); }));
    stub_.say("PEXPIRE", reply);
    EXPECT_TRUE(until([&] { return !member_.connected(); }));
  }
}

TEST_F(HostileFleetTest, ASilentChannelEndsIt) {
  stub_.say("SUBSCRIBE", "");
  ASSERT_EQ(member_.join({stub_.url()}), "");
  EXPECT_TRUE(until([&] { return !member_.status.reason().empty(); }));
  EXPECT_NE(member_.status.reason().find("no reply within"), std::string::npos);
}

TEST_F(HostileFleetTest, NonsenseOnTheChannelIsNoNews) {
  ASSERT_EQ(member_.join({stub_.url()}), "");
  ASSERT_TRUE(until([&] { return member_.connected(); }));
  proto::FleetMessage message;
  message.set_sender(std::string(16, 'x'));
  message.set_clock(INT64_MAX);
  message.add_facts()->mutable_login()->set_address("192.0.2.1");
  const auto publish = [&](const std::string& payload) {
    stub_.say_to_subscribers(resp_list({"message", "test*[1]:events", payload}));
  };
  publish("garbage");
  publish("");
  publish(message.SerializeAsString());
  message.set_clock(-5);
  publish(message.SerializeAsString());
  message.set_clock(5);
  publish(message.SerializeAsString());  // no user, and it has ended
  message.mutable_facts(0)->set_left(INT64_MAX);
  publish(message.SerializeAsString());
  message.set_sender("short");
  publish(message.SerializeAsString());
  message.set_sender(std::string(16, 'x'));
  message.mutable_facts(0)->set_left(60'000);
  message.mutable_facts(0)->mutable_login()->set_user("joe");
  publish(message.SerializeAsString());  // written long ago by the server's clock
  message.set_clock(1'700'000'000'000);
  publish(message.SerializeAsString());
  EXPECT_TRUE(until([&] { return member_.learnt > 0; }));
  EXPECT_EQ(member_.user_of("192.0.2.1"), "joe");
  EXPECT_EQ(member_.learnt, 1);
  EXPECT_TRUE(member_.connected());
  stub_.say_to_subscribers("$5\r\nhello\r\n");
  EXPECT_TRUE(until([&] { return !member_.connected(); }));
}

TEST_F(HostileFleetTest, AMemberMayEndAtAnyTurn) {
  Member other(loop_, log_);
  other.log_in("192.0.2.1", "joe");
  proto::FleetFact fact;
  write_fact(other.facts.begin()->second, loop_.now(), fact);
  stub_.say("SCAN", "*2\r\n$1\r\n0\r\n" + resp_list({"test*[1]:login:192.0.2.1"}));
  stub_.say("MGET", resp_list({fact.SerializeAsString()}));
  stub_.say("PTTL", ":600000\r\n");
  bool was_at_work = false;
  for (int turns = 0; turns < 400 && !was_at_work; ++turns) {
    Member member(loop_, log_);
    member.log_in("192.0.2.2", "ann");
    ASSERT_EQ(member.join({stub_.url()}), "");
    const int before = stub_.heard("SET");
    for (int i = 0; i < turns; ++i) {
      stub_.turn();
      loop_.run_turn();
      if (member.connected() && member.facts.size() == 2) member.log_in("192.0.2.3", "bob");
    }
    // The mark, what was known before, and the news.
    was_at_work = stub_.heard("SET") == before + 3;
  }
  EXPECT_TRUE(was_at_work);
}

TEST_F(HostileFleetTest, KeysWithoutEndAreLeft) {
  // The cursor never comes back to 0: what it says is not news after the first time.
  stub_.say("SCAN", "*2\r\n$1\r\n7\r\n*0\r\n");
  ASSERT_EQ(member_.join({stub_.url()}), "");
  EXPECT_TRUE(until([&] { return stub_.heard("SCAN") > 100; }));
  // Meanwhile nothing is held up, and it may end.
  member_.log_in("192.0.2.1", "joe");
  member_.fleet.reset();
}

}  // namespace
}  // namespace openmmp::state
