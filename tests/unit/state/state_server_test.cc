// What mmp-state's core makes of peers that are no workers of ours, and of mmpctl's questions.
#include "workers/state/state_server.h"

#include <gtest/gtest.h>

#include <functional>

#include "worker.h"

namespace openmmp::state {
namespace {

using Channel = ipc::Channel<proto::ToState, proto::FromState>;

// The worker's end of a conversation, as raw as it gets.
struct Peer {
  Peer(Loop& loop, StateServer& server) {
    auto [theirs, ours] = std::move(*ipc::socket_pair());
    server.add_worker(std::move(theirs));
    channel.emplace(loop, std::move(ours));
    task.emplace(listen());
    task->start();
  }
  Task<> listen() {
    for (;;) {
      auto received = co_await attempt(channel->receive());
      if (!received) break;
      heard.MergeFrom(received->message);
    }
    closed = true;
  }
  void hello(const std::string& service = "imap") {
    proto::ToState message;
    message.mutable_hello()->set_service(service);
    message.mutable_hello()->set_bad_guys_limit(100);
    message.mutable_hello()->set_bad_guy_decay(900);
    message.mutable_hello()->set_store_failures(3);
    ASSERT_TRUE(channel->send(message));
  }
  std::optional<Channel> channel;
  proto::FromState heard;
  bool closed = false;
  std::optional<Task<>> task;
};

class StateServerTest : public testing::Test {
 protected:
  StateServerTest() : log_("Test"), file_(log_), server_(loop_, log_) {}
  proto::StateReply bad_guys(const std::string& forgive = "") {
    proto::StateRequest request;
    request.set_id(7);
    request.mutable_bad_guys()->set_forgive(forgive);
    return server_.answer(request);
  }
  proto::StateReply stores(const std::string& enable = "", const std::string& disable = "") {
    proto::StateRequest request;
    request.mutable_stores()->set_enable(enable);
    request.mutable_stores()->set_disable(disable);
    return server_.answer(request);
  }
  void say_bad_guy(Peer& peer, const std::string& ip, uint32_t badness) {
    proto::ToState message;
    proto::BadGuy& entry = *message.add_bad_guys();
    entry.set_address(ip);
    entry.set_badness(badness);
    entry.set_since(loop_.now().count());
    ASSERT_TRUE(peer.channel->send(message));
  }

  Loop loop_;
  Log log_;
  LogFile file_;
  StateServer server_;
};

TEST_F(StateServerTest, WhoeverBreaksTheRulesIsNotListenedTo) {
  struct Case {
    const char* name;
    std::function<void(proto::ToState&)> breaks;
  };
  const Case cases[] = {
      {"a second hello", [](auto& m) { m.mutable_hello()->set_service("imap"); }},
      {"a key that is too long",
       [](auto& m) {
         m.add_seats()->set_key(std::string(1025, 'x'));
         m.mutable_seats(0)->set_limit(1);
       }},
      {"an empty key", [](auto& m) { m.add_seats()->set_limit(1); }},
      {"one seat twice",
       [](auto& m) {
         for (int i = 0; i < 2; ++i) {
           m.add_seats()->set_key("k");
           m.mutable_seats(i)->set_limit(9);
         }
       }},
      {"an address that is none", [](auto& m) { m.add_bad_guys()->set_address("joe"); }},
      {"a badness of years",
       [](auto& m) {
         m.add_bad_guys()->set_address("192.0.2.1");
         m.mutable_bad_guys(0)->set_badness(4'000'000'000u);
       }},
      {"a store without a name", [](auto& m) { m.add_store_events(); }},
      {"a store's name with a line end", [](auto& m) { m.add_store_events()->set_store("a\nb"); }},
      {"a store's name that is too long",
       [](auto& m) { m.add_store_events()->set_store(std::string(301, 'x')); }},
      {"an operator's decision",
       [](auto& m) {
         m.add_store_events()->set_store("store:143");
         m.mutable_store_events(0)->set_kind(proto::StoreEvent::DISABLED);
       }},
      {"a relay without a name", [](auto& m) { m.add_relay_events(); }},
      {"an operator's decision about a relay",
       [](auto& m) {
         m.add_relay_events()->set_relay("relay:25");
         m.mutable_relay_events(0)->set_kind(proto::RelayEvent::ENABLED);
       }},
      {"an event of a relay of another time",
       [](auto& m) {
         m.add_relay_events()->set_relay("relay:25");
         m.mutable_relay_events(0)->set_kind(static_cast<proto::RelayEvent::Kind>(99));
       }},
      {"sessions with nobody", [](auto& m) { m.add_relay_loads()->set_sessions(1); }},
      {"sessions with everybody",
       [](auto& m) {
         for (int i = 0; i < 1001; ++i) {
           proto::RelayLoad& load = *m.add_relay_loads();
           load.set_relay("relay" + std::to_string(i));
           load.set_sessions(1);
         }
       }},
      {"a login from nowhere", [](auto& m) { m.add_pop_logins()->set_user("joe"); }},
      {"a login of nobody", [](auto& m) { m.add_pop_logins()->set_address("192.0.2.1"); }},
      {"a login of a user with a line end",
       [](auto& m) {
         m.add_pop_logins()->set_address("192.0.2.1");
         m.mutable_pop_logins(0)->set_user("joe\n");
       }},
      {"an event of another time",
       [](auto& m) {
         m.add_store_events()->set_store("store:143");
         m.mutable_store_events(0)->set_kind(static_cast<proto::StoreEvent::Kind>(99));
       }},
  };
  Peer good(loop_, server_);
  good.hello();
  for (const Case& c : cases) {
    Peer peer(loop_, server_);
    peer.hello();
    proto::ToState message;
    c.breaks(message);
    ASSERT_TRUE(peer.channel->send(message));
    EXPECT_TRUE(turn_until(loop_, [&] { return peer.closed; })) << c.name;
    EXPECT_NE(file_.text(log_).find("is not listened to any more"), std::string::npos) << c.name;
  }
  say_bad_guy(good, "192.0.2.7", 2);
  EXPECT_TRUE(turn_until(loop_, [&] { return bad_guys().bad_guys_size() == 1; }));
  EXPECT_FALSE(good.closed);
}

TEST_F(StateServerTest, TheFirstMessageIsAHello) {
  for (const char* service : {"", "?"}) {
    Peer peer(loop_, server_);
    proto::ToState message;
    if (*service == '\0') message.mutable_hello();
    ASSERT_TRUE(peer.channel->send(message));
    EXPECT_TRUE(turn_until(loop_, [&] { return peer.closed; }));
  }
  EXPECT_EQ(server_.workers(), 0u);
}

TEST_F(StateServerTest, NoiseEndsTheConversation) {
  auto [theirs, ours] = std::move(*ipc::socket_pair());
  server_.add_worker(std::move(theirs));
  ASSERT_EQ(::write(ours.get(), "\0\0\0\3\xff\xff\xff", 7), 7);
  EXPECT_TRUE(turn_until(loop_, [&] {
    return file_.text(log_).find("is not listened to any more") != std::string::npos;
  }));
}

TEST_F(StateServerTest, TimesToComeAreNow) {
  Peer peer(loop_, server_);
  peer.hello();
  proto::ToState message;
  proto::BadGuy& entry = *message.add_bad_guys();
  entry.set_address("192.0.2.1");
  entry.set_badness(10);
  entry.set_since(INT64_MAX);
  ASSERT_TRUE(peer.channel->send(message));
  ASSERT_TRUE(turn_until(loop_, [&] { return bad_guys().bad_guys_size() == 1; }));
  EXPECT_EQ(bad_guys().bad_guys(0).age_seconds(), 0u);
}

TEST_F(StateServerTest, MillionsOfBadGuysAreAsManyAsTheWorkersWant) {
  Peer peer(loop_, server_);
  peer.hello();  // BGMax is 100
  for (int i = 0; i < 1000; ++i) {
    say_bad_guy(peer, "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250), 2);
    loop_.run_turn();
  }
  Peer other(loop_, server_);
  other.hello();
  ASSERT_TRUE(turn_until(loop_, [&] { return other.heard.bad_guys_size() >= 100; }));
  EXPECT_EQ(other.heard.bad_guys_size(), 100);
  EXPECT_EQ(bad_guys().bad_guys_size(), 100);
}

TEST_F(StateServerTest, BadGuysAreListedAndForgiven) {
  Peer peer(loop_, server_);
  peer.hello();
  say_bad_guy(peer, "192.0.2.1", 2);
  say_bad_guy(peer, "192.0.2.2", 30);
  ASSERT_TRUE(turn_until(loop_, [&] { return bad_guys().bad_guys_size() == 2; }));
  const proto::StateReply listed = bad_guys();
  EXPECT_TRUE(listed.ok());
  EXPECT_EQ(listed.id(), 7u);
  EXPECT_EQ(listed.bad_guys(0).address(), "192.0.2.2");
  EXPECT_EQ(listed.bad_guys(0).badness(), 30u);

  EXPECT_FALSE(bad_guys("joe").ok());
  EXPECT_EQ(bad_guys("192.0.2.3").message(), "192.0.2.3 is no bad guy");
  EXPECT_TRUE(bad_guys("192.0.2.2").ok());
  EXPECT_EQ(bad_guys().bad_guys_size(), 1);
  ASSERT_TRUE(turn_until(loop_, [&] { return peer.heard.bad_guys_size() == 1; }));
  EXPECT_EQ(peer.heard.bad_guys(0).address(), "192.0.2.2");
  EXPECT_EQ(peer.heard.bad_guys(0).badness(), 0u);
}

TEST_F(StateServerTest, StoresAreListedAndDecided) {
  for (const char* none : {"", ":", "a b:x", "store:99999", "bad\nname:143"}) {
    if (*none != '\0') {
      EXPECT_FALSE(stores("", none).ok()) << none;
    }
  }
  EXPECT_EQ(stores("", "store").message(), "no store store has been used yet: say store:PORT");
  EXPECT_EQ(stores("", "store:143").message(), "store:143: no logins go there any more");
  const proto::StateReply listed = stores();
  ASSERT_EQ(listed.stores_size(), 1);
  EXPECT_EQ(listed.stores(0).store(), "store:143");
  EXPECT_TRUE(listed.stores(0).up());
  EXPECT_FALSE(listed.stores(0).enabled());
  EXPECT_TRUE(stores("store", "").ok());
  EXPECT_TRUE(stores().stores(0).enabled());
}

TEST_F(StateServerTest, ARequestOfALaterMmpctl) {
  EXPECT_FALSE(server_.answer(proto::StateRequest()).ok());
}

TEST_F(StateServerTest, SnapshotsKeepTimesAndForgetOldHealth) {
  Peer peer(loop_, server_);
  peer.hello();
  say_bad_guy(peer, "192.0.2.1", 2);
  proto::ToState message;
  proto::StoreEvent& event = *message.add_store_events();
  event.set_store("store:143");
  event.set_reason("no greeting");
  event.set_failures(3);
  event.set_at(loop_.now().count());
  ASSERT_TRUE(peer.channel->send(message));
  EXPECT_FALSE(server_.take_changed() && stores().stores_size() == 1);
  ASSERT_TRUE(turn_until(loop_, [&] { return stores().stores_size() == 1; }));
  EXPECT_TRUE(server_.take_changed());
  EXPECT_FALSE(server_.take_changed());

  constexpr Millis wall(1'700'000'000'000);
  const proto::Snapshot snapshot = server_.snapshot(wall);
  struct Case {
    Millis later;
    int bad_guys;
    bool up;
    uint64_t age;
  };
  const Case cases[] = {{Seconds(0), 1, false, 0},
                        {Seconds(100), 1, false, 100},
                        {Seconds(3599), 1, false, 3599},
                        {Seconds(3600), 1, true, 3600},
                        {Seconds(-100), 1, false, 0}};  // the clock was set back
  for (const Case& c : cases) {
    StateServer next(loop_, log_);
    next.restore(snapshot, wall + c.later);
    proto::StateRequest request;
    request.mutable_bad_guys();
    const proto::StateReply bad = next.answer(request);
    ASSERT_EQ(bad.bad_guys_size(), c.bad_guys) << c.later.count();
    EXPECT_GE(bad.bad_guys(0).age_seconds(), c.age);
    request.mutable_stores();
    const proto::StateReply known = next.answer(request);
    EXPECT_EQ(known.stores_size() == 0 || known.stores(0).up(), c.up) << c.later.count();
  }
}

TEST_F(StateServerTest, RelaysAreListedWhateverIsKnownOfThem) {
  Peer peer(loop_, server_);
  peer.hello();
  proto::ToState message;
  proto::RelayEvent& event = *message.add_relay_events();
  event.set_relay("failed:25");
  event.set_reason("refused");
  event.set_at(loop_.now().count());
  event.set_avoid_for(INT64_MAX);  // bounded by FailoverTimeout's most
  proto::RelayLoad& load = *message.add_relay_loads();
  load.set_relay("busy:25");
  load.set_sessions(3);
  ASSERT_TRUE(peer.channel->send(message));
  proto::StateRequest request;
  request.mutable_relays()->add_configured("idle:25");
  request.mutable_relays()->add_configured("busy:25");
  ASSERT_TRUE(turn_until(loop_, [&] { return server_.answer(request).relays_size() == 3; }));
  const proto::StateReply listed = server_.answer(request);
  EXPECT_EQ(listed.relays(0).relay(), "busy:25");
  EXPECT_EQ(listed.relays(0).sessions(), 3u);
  EXPECT_EQ(listed.relays(1).relay(), "failed:25");
  EXPECT_EQ(listed.relays(1).reason(), "refused");
  EXPECT_LE(listed.relays(1).avoided_seconds(), 60u * 3600);
  EXPECT_GT(listed.relays(1).avoided_seconds(), 59u * 3600);
  EXPECT_EQ(listed.relays(2).relay(), "idle:25");
  EXPECT_TRUE(listed.relays(2).enabled());
}

TEST_F(StateServerTest, LoginsAreListedAndFound) {
  Peer peer(loop_, server_);
  peer.hello();
  proto::ToState message;
  for (int i = 0; i < 3; ++i) {
    proto::PopLogin& login = *message.add_pop_logins();
    login.set_address("2001:DB8:0::" + std::to_string(i));
    login.set_user("user" + std::to_string(i));
    login.set_at(i == 0 ? INT64_MIN : loop_.now().count());
    login.set_expires(i == 0 ? INT64_MAX : (loop_.now() + Seconds(100 * i)).count());
  }
  ASSERT_TRUE(peer.channel->send(message));
  proto::StateRequest request;
  request.mutable_auth();
  ASSERT_TRUE(turn_until(loop_, [&] { return server_.answer(request).auth_size() == 3; }));
  EXPECT_EQ(server_.answer(request).auth(0).user(), "user0");  // who expires last comes first
  EXPECT_EQ(server_.answer(request).auth(2).user(), "user1");
  request.mutable_auth()->set_address("2001:db8::2");
  const proto::StateReply one = server_.answer(request);
  ASSERT_EQ(one.auth_size(), 1);
  EXPECT_TRUE(one.ok());
  EXPECT_EQ(one.auth(0).address(), "2001:db8::2");
  EXPECT_LE(one.auth(0).left_seconds(), 200u);
  for (const char* none : {"2001:db8::9", "joe"}) {
    request.mutable_auth()->set_address(none);
    EXPECT_FALSE(server_.answer(request).ok()) << none;
    EXPECT_FALSE(server_.answer(request).message().empty());
  }
}

TEST_F(StateServerTest, SnapshotsKeepWhenRelaysAndLoginsEnd) {
  Peer peer(loop_, server_);
  peer.hello();
  proto::ToState message;
  proto::RelayEvent& event = *message.add_relay_events();
  event.set_relay("relay:25");
  event.set_reason("refused");
  event.set_at(loop_.now().count());
  event.set_avoid_for(600'000);
  proto::PopLogin& login = *message.add_pop_logins();
  login.set_address("192.0.2.7");
  login.set_user("joe");
  login.set_at(loop_.now().count());
  login.set_expires((loop_.now() + Seconds(900)).count());
  ASSERT_TRUE(peer.channel->send(message));
  proto::StateRequest auth;
  auth.mutable_auth();
  ASSERT_TRUE(turn_until(loop_, [&] { return server_.answer(auth).auth_size() == 1; }));
  EXPECT_TRUE(server_.take_changed());
  proto::StateRequest relays;
  relays.mutable_relays()->set_disable("other:25");
  EXPECT_TRUE(server_.answer(relays).ok());
  relays.mutable_relays()->clear_disable();

  constexpr Millis wall(1'700'000'000'000);
  const proto::Snapshot snapshot = server_.snapshot(wall);
  struct Case {
    Millis later;
    uint64_t avoided;
    uint64_t left;  // 0: it is over
  };
  const Case cases[] = {
      {Seconds(0), 600, 900}, {Seconds(599), 1, 301},
      {Seconds(601), 0, 299}, {Seconds(899), 0, 1},
      {Seconds(901), 0, 0},   {Seconds(-5000), 600, 900}};  // the clock was set back
  for (const Case& c : cases) {
    StateServer next(loop_, log_);
    next.restore(snapshot, wall + c.later);
    const proto::StateReply known = next.answer(relays);
    ASSERT_EQ(known.relays_size(), 2);
    EXPECT_FALSE(known.relays(0).enabled());
    EXPECT_EQ(known.relays(1).reason(), "refused");
    // Some milliseconds have passed meanwhile.
    EXPECT_LE(known.relays(1).avoided_seconds(), c.avoided) << c.later.count();
    EXPECT_GE(known.relays(1).avoided_seconds() + 1, c.avoided) << c.later.count();
    const proto::StateReply logins = next.answer(auth);
    ASSERT_EQ(logins.auth_size(), c.left == 0 ? 0 : 1) << c.later.count();
    if (c.left == 0) continue;
    EXPECT_LE(logins.auth(0).left_seconds(), c.left);
    EXPECT_GE(logins.auth(0).left_seconds() + 1, c.left);
  }
}

TEST_F(StateServerTest, NoSnapshotCanBreakIt) {
  for (const int64_t time : {INT64_MIN, int64_t{-1}, int64_t{0}, INT64_MAX}) {
    proto::Snapshot snapshot = server_.snapshot(Millis(1'700'000'000'000));
    snapshot.add_relays()->set_relay("relay:25");
    snapshot.mutable_relays(0)->set_at(time);
    snapshot.mutable_relays(0)->set_avoid_for(time);
    snapshot.add_pop_logins()->set_address("192.0.2.7");
    snapshot.mutable_pop_logins(0)->set_user("joe");
    snapshot.mutable_pop_logins(0)->set_at(time);
    snapshot.mutable_pop_logins(0)->set_expires(time);
    StateServer next(loop_, log_);
    next.restore(snapshot, Millis(1'700'000'000'000));
    proto::StateRequest request;
    request.mutable_auth();
    EXPECT_EQ(next.answer(request).auth_size(), 0) << time;
  }
}

TEST_F(StateServerTest, SnapshotsOfOthersAreNotUsed) {
  proto::Snapshot snapshot = server_.snapshot(Millis(1000));
  snapshot.set_version(99);
  snapshot.add_bad_guys()->set_address("192.0.2.1");
  snapshot.mutable_bad_guys(0)->set_badness(5);
  snapshot.mutable_bad_guys(0)->set_since(1000);
  server_.restore(snapshot, Millis(1000));
  EXPECT_EQ(bad_guys().bad_guys_size(), 0);
  EXPECT_NE(file_.text(log_).find("it is not used"), std::string::npos);
  // What is wrong in a good one is left out.
  snapshot.set_version(1);
  snapshot.add_bad_guys()->set_address("nonsense");
  snapshot.add_stores()->set_store("");
  server_.restore(snapshot, Millis(1000));
  EXPECT_EQ(bad_guys().bad_guys_size(), 1);
}

}  // namespace
}  // namespace openmmp::state
