// Workers and mmp-state's core together, over real socketpairs.
#include "workers/proxy/shared_state.h"

#include <gtest/gtest.h>

#include "worker.h"

namespace openmmp::state {
namespace {

class SharedStateTest : public testing::Test {
 protected:
  SharedStateTest() : log_("Test"), file_(log_), server_(std::in_place, loop_, log_) {}
  ~SharedStateTest() override { workers_.clear(); }

  Worker& worker(const std::string& service = "imap") {
    Worker& added = unconnected(service);
    added.connect(*server_);
    return added;
  }
  Worker& unconnected(const std::string& service = "imap") {
    return workers_.emplace_back(loop_, log_, service, static_cast<uint32_t>(workers_.size()));
  }
  template <class Done>
  void until(Done done) {
    ASSERT_TRUE(turn_until(loop_, done));
  }
  int seated() const {
    int sum = 0;
    for (const Worker& w : workers_) sum += w.seated();
    return sum;
  }
  int refused() const {
    int sum = 0;
    for (const Worker& w : workers_) sum += w.refused();
    return sum;
  }
  // All that any worker has said so far has come back to every worker.
  void settle() {
    for (Worker& w : workers_) {
      const std::string key = "settle " + std::to_string(++settled_);
      w.session(key, 2);
      Session& asks = w.session(key, 2);
      until([&] { return !asks.waiting(); });
    }
  }
  proto::StateReply ask_stores(const std::string& enable, const std::string& disable) {
    proto::StateRequest request;
    request.mutable_stores()->set_enable(enable);
    request.mutable_stores()->set_disable(disable);
    return server_->answer(request);
  }

  proto::StateReply ask_relays(const std::string& enable, const std::string& disable,
                               const std::vector<std::string>& configured = {}) {
    proto::StateRequest request;
    request.mutable_relays()->set_enable(enable);
    request.mutable_relays()->set_disable(disable);
    for (const std::string& relay : configured) request.mutable_relays()->add_configured(relay);
    return server_->answer(request);
  }
  proxy::PopLogin pop_login(const std::string& address, const std::string& user, Millis lasts) {
    return {address, user, loop_.now(), loop_.now() + lasts};
  }

  Loop loop_;
  Log log_;
  LogFile file_;
  std::optional<StateServer> server_;
  std::list<Worker> workers_;
  int settled_ = 0;
};

TEST_F(SharedStateTest, OfABurstOverWorkersExactlyTheLimitStays) {
  for (int i = 0; i < 4; ++i) worker();
  for (const int limit : {1, 2, 3, 10, 41, 79}) {
    for (Worker& w : workers_) {
      for (int i = 0; i < 20; ++i) w.session("address 192.0.2." + std::to_string(limit), limit);
    }
    until([&] { return refused() == 80 - limit; });
    settle();
    EXPECT_EQ(refused(), 80 - limit) << limit;
    for (Worker& w : workers_) w.end_sessions();
    settle();
    for (Worker& w : workers_) w.end_sessions();
  }
}

TEST_F(SharedStateTest, ASeatIsGivenAtOnceUntilHalfAreTaken) {
  Worker& a = worker();
  Worker& b = worker();
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(a.session("user joe", 8).waiting());
  settle();
  // Now everybody knows, and asks.
  Session& fifth = b.session("user joe", 8);
  EXPECT_TRUE(fifth.waiting());
  until([&] { return fifth.seated(); });
  EXPECT_FALSE(b.session("user jim", 8).waiting());
}

TEST_F(SharedStateTest, ASeatIsFreeWhenItsSessionEnds) {
  Worker& a = worker();
  Worker& b = worker();
  a.session("k", 1);
  settle();
  Session& second = b.session("k", 1);
  until([&] { return second.refused(); });
  a.end_sessions();
  settle();
  Session& third = b.session("k", 1);
  until([&] { return third.seated(); });
}

TEST_F(SharedStateTest, AWorkerThatDiesLeavesItsSeats) {
  worker().session("k", 1);
  Worker& b = worker();
  settle();
  Session& second = b.session("k", 1);
  until([&] { return second.refused(); });
  workers_.pop_front();
  until([&] { return server_->workers() == 1; });
  Session& third = b.session("k", 1);
  until([&] { return third.seated(); });
}

TEST_F(SharedStateTest, ServicesCountApart) {
  worker("imap").session("k", 1);
  Worker& pop = worker("pop");
  settle();
  EXPECT_TRUE(pop.session("k", 1).seated());
  settle();
  EXPECT_EQ(refused(), 0);
}

TEST_F(SharedStateTest, WhoeverAsksMayLeaveMeanwhile) {
  Worker& a = worker();
  a.session("k", 2);
  settle();
  EXPECT_TRUE(a.session("k", 2).waiting());
  a.end_sessions();
  settle();
  a.session("k", 2);
  a.session("k", 2);
  settle();
  EXPECT_EQ(refused(), 0);
}

TEST_F(SharedStateTest, ASessionBetweenTwoStatesIsEndedAtTheNext) {
  Worker& a = worker();
  Worker& b = worker();
  a.session("k", 1);
  Session& second = b.session("k", 1);
  second.hide(true);
  settle();
  // Whichever came first to mmp-state has stayed.
  second.hide(false);
  until([&] { return refused() == 1; });
}

TEST_F(SharedStateTest, WithoutMmpStateAWorkerLimitsByItsOwnCount) {
  Worker& a = unconnected();
  Worker& b = unconnected();
  EXPECT_FALSE(a.state().connected());
  for (int i = 0; i < 3; ++i) a.session("k", 2);
  for (int i = 0; i < 3; ++i) b.session("k", 2);
  EXPECT_EQ(a.seated(), 2);
  EXPECT_EQ(a.refused(), 1);
  EXPECT_EQ(seated(), 4);
  a.end_one();
  EXPECT_TRUE(a.session("k", 2).seated());
  EXPECT_TRUE(a.session("none", 0).refused());
  EXPECT_TRUE(a.session("none", -1).refused());
}

TEST_F(SharedStateTest, WhoeverAsksWhenMmpStateDiesIsAnsweredByTheWorker) {
  Worker& a = worker();
  for (int i = 0; i < 5; ++i) a.session("k", 10);
  settle();
  Session& asks = a.session("k", 10);
  EXPECT_TRUE(asks.waiting());
  server_.reset();
  until([&] { return asks.seated(); });
  EXPECT_FALSE(a.state().connected());
  EXPECT_NE(file_.text(log_).find("mmp-state is away"), std::string::npos);
}

TEST_F(SharedStateTest, SessionsGoOnOverARestartAndCountAgain) {
  Worker& a = worker();
  Worker& b = worker();
  for (int i = 0; i < 3; ++i) a.session("k", 4);
  settle();
  const proto::Snapshot snapshot = server_->snapshot(Millis(1'700'000'000'000));
  server_.reset();
  until([&] { return !a.state().connected() && !b.state().connected(); });
  EXPECT_EQ(refused(), 0);
  // Away: each counts for itself.
  EXPECT_TRUE(a.session("k", 4).seated());
  EXPECT_TRUE(b.session("k", 4).seated());

  server_.emplace(loop_, log_);
  server_->restore(snapshot, Millis(1'700'000'000'000));
  a.connect(*server_);
  b.connect(*server_);
  settle();
  EXPECT_EQ(refused(), 0);  // five are there, and none of them is refused
  Session& sixth = b.session("k", 4);
  until([&] { return sixth.refused(); });
  a.end_one();
  a.end_one();
  settle();
  Session& seventh = b.session("k", 4);
  until([&] { return seventh.seated(); });
  EXPECT_NE(file_.text(log_).find("mmp-state is back"), std::string::npos);
}

TEST_F(SharedStateTest, ANewWayReplacesOneThatStillStands) {
  Worker& a = worker();
  a.session("k", 1);
  a.connect(*server_);
  settle();
  until([&] { return server_->workers() == 1; });
  Session& second = a.session("k", 1);
  until([&] { return second.refused(); });
}

TEST_F(SharedStateTest, BadGuysAreBadEverywhere) {
  Worker& a = worker();
  Worker& b = worker("pop");
  Session& session = a.session("k", 10);
  session.context.client = address_of("203.0.113.7");
  a.state().login_failed(session.context);
  a.state().login_failed(session.context);
  EXPECT_EQ(a.state().badness(session.context.client), Seconds(4));
  until([&] { return b.state().badness(session.context.client) == Seconds(4); });
  EXPECT_NE(file_.text(log_).find("(id 1) badguy 203.0.113.7 now has 4 badness"),
            std::string::npos);
  // A worker that comes later knows it, too.
  Worker& c = worker();
  until([&] { return c.state().badness(session.context.client) == Seconds(4); });
  // It is clean everywhere once it has logged in anywhere.
  c.state().login_succeeded(session.context);
  until([&] { return a.state().badness(session.context.client) == Seconds(0); });
}

TEST_F(SharedStateTest, SomeAreNeverBad) {
  Worker& a = worker();
  Session& session = a.session("k", 10);
  session.context.client = address_of("198.51.100.9");
  a.state().login_failed(session.context);
  EXPECT_EQ(a.state().badness(session.context.client), Seconds(0));
  EXPECT_EQ(file_.text(log_).find("badguy"), std::string::npos);
}

TEST_F(SharedStateTest, BadGuysSurviveMmpState) {
  Worker& a = worker();
  const SocketAddress bad = address_of("203.0.113.7");
  Session& session = a.session("k", 10);
  session.context.client = bad;
  a.state().login_failed(session.context);
  settle();
  const proto::Snapshot snapshot = server_->snapshot(Millis(1'700'000'000'000));
  server_.reset();
  until([&] { return !a.state().connected(); });
  a.state().login_failed(session.context);
  server_.emplace(loop_, log_);
  server_->restore(snapshot, Millis(1'700'000'000'000));
  Worker& b = worker();
  until([&] { return b.state().badness(bad) == Seconds(2); });  // from the snapshot
  a.connect(*server_);
  until([&] { return b.state().badness(bad) == Seconds(4); });  // from the one who knew better
}

TEST_F(SharedStateTest, StoresAreDownForAll) {
  Worker& a = worker();
  Worker& b = worker();
  const auto down = [](Worker& w) { return w.state().stores().objection("store:143").has_value(); };
  for (int i = 0; i < 3; ++i) {
    const Millis before = loop_.now();  // failures of one moment are one failure
    until([&] { return loop_.now() > before; });
    a.state().store_failed("store:143", "no greeting");
  }
  EXPECT_TRUE(down(a));
  until([&] { return down(b); });
  EXPECT_EQ(*b.state().stores().objection("store:143"), "it is down: no greeting");
  Worker& c = worker();
  until([&] { return down(c); });
  const Millis before = loop_.now();
  until([&] { return loop_.now() > before; });
  c.state().store_succeeded("store:143");
  until([&] { return !down(a) && !down(b); });
}

TEST_F(SharedStateTest, TheOperatorTakesAStoreOut) {
  Worker& a = worker();
  EXPECT_FALSE(ask_stores("", "store").ok());  // nobody has heard of it
  EXPECT_TRUE(ask_stores("", "Store:143").ok());
  EXPECT_TRUE(ask_stores("", "store:143").ok());
  a.state().store_succeeded("store:993");
  settle();
  EXPECT_TRUE(ask_stores("", "store").ok());
  const auto objects = [](Worker& w, const char* store) {
    return w.state().stores().objection(store).has_value();
  };
  until([&] { return objects(a, "store:993") && objects(a, "Store:143"); });

  const proto::Snapshot snapshot = server_->snapshot(Millis(1'700'000'000'000));
  server_.reset();
  server_.emplace(loop_, log_);
  server_->restore(snapshot, Millis(1'800'000'000'000));  // decisions do not grow old
  Worker& b = worker();
  until([&] { return objects(b, "store:993"); });
  a.connect(*server_);
  EXPECT_TRUE(ask_stores("STORE:993", "").ok());
  until([&] { return !objects(a, "store:993") && !objects(b, "store:993"); });
  EXPECT_TRUE(objects(a, "Store:143"));
}

TEST_F(SharedStateTest, ARelayIsAvoidedByAll) {
  Worker& a = worker("smtp");
  Worker& b = worker("smtp");
  const auto avoided = [&](Worker& w) {
    return w.state().relays().avoided_for("relay:25", loop_.now()) > Millis(0);
  };
  a.state().relay_failed("relay:25", "refused", std::chrono::minutes(10));
  EXPECT_TRUE(avoided(a));
  until([&] { return avoided(b); });
  Worker& c = worker("smtp");
  until([&] { return avoided(c); });
  EXPECT_NE(file_.text(log_).find("relay relay:25 is avoided for 600 s: refused"),
            std::string::npos);
  c.state().relay_succeeded("relay:25");
  until([&] { return !avoided(a) && !avoided(b); });
  EXPECT_NE(file_.text(log_).find("relay relay:25 is up again"), std::string::npos);
}

TEST_F(SharedStateTest, TheOperatorTakesARelayOut) {
  Worker& a = worker("smtp");
  EXPECT_FALSE(ask_relays("", "relay").ok());  // nobody has heard of it
  EXPECT_TRUE(ask_relays("", "relay", {"relay:587", "Relay:25"}).ok());
  const auto enabled = [&](const char* relay) { return a.state().relays().enabled(relay); };
  until([&] { return !enabled("relay:587") && !enabled("Relay:25"); });
  EXPECT_TRUE(ask_relays("RELAY:587", "").ok());
  until([&] { return enabled("relay:587"); });
  EXPECT_FALSE(enabled("Relay:25"));
}

TEST_F(SharedStateTest, SessionsWithARelayAreCountedOverAllWorkers) {
  Worker& a = worker("smtp");
  Worker& b = worker("smtp");
  const auto sessions = [&] {
    const proto::StateReply reply = ask_relays("", "", {"idle:25"});
    return reply.relays_size() < 2 ? 0 : reply.relays(1).sessions();
  };
  EXPECT_EQ(ask_relays("", "", {"idle:25"}).relays(0).sessions(), 0u);
  std::vector<proxy::RelayUse> uses;
  for (int i = 0; i < 3; ++i) uses.push_back(a.state().use_relay("relay:25"));
  uses.push_back(b.state().use_relay("relay:25"));
  until([&] { return sessions() == 4; });
  uses.erase(uses.begin());
  until([&] { return sessions() == 3; });
  // A new mmp-state is told all again.
  server_.reset();
  until([&] { return !a.state().connected() && !b.state().connected(); });
  server_.emplace(loop_, log_);
  a.connect(*server_);
  b.connect(*server_);
  until([&] { return sessions() == 3; });
  // A worker that dies takes its own along.
  uses.erase(uses.begin() + 2);
  uses.push_back(b.state().use_relay("relay:25"));
  until([&] { return sessions() == 3; });
  uses.clear();
  until([&] { return sessions() == 0; });
}

TEST_F(SharedStateTest, ADeadWorkerHasNoSessionsWithRelays) {
  worker("smtp");
  const auto rows = [&] { return ask_relays("", "").relays_size(); };
  {
    const proxy::RelayUse use = workers_.front().state().use_relay("relay:25");
    until([&] { return rows() == 1; });
  }
  workers_.pop_front();
  until([&] { return rows() == 0; });
}

// What a worker finds out about an address.
struct Search {
  Search(proxy::SharedState& state, const std::string& address) : task(run(state, address)) {
    task.start();
  }
  Task<> run(proxy::SharedState& state, std::string address) {
    found = co_await state.find_login(std::move(address));
    done = true;
  }
  std::string user() const { return found ? found->user : "nobody"; }
  std::optional<proxy::PopLogin> found;
  bool done = false;
  Task<> task;
};

TEST_F(SharedStateTest, ALoginByPopIsKnownToWhoAsks) {
  Worker& pop = worker("pop");
  Worker& smtp = worker("smtp");
  pop.state().record_login(pop_login("192.0.2.7", "joe", Seconds(900)));
  settle();
  for (const auto& [address, user] :
       {std::pair("192.0.2.7", "joe"), std::pair("192.0.2.8", "nobody"), std::pair("", "nobody")}) {
    Search search(smtp.state(), address);
    EXPECT_FALSE(search.done);
    until([&] { return search.done; });
    EXPECT_EQ(search.user(), user);
  }
  // In one message the login comes before the question.
  pop.state().record_login(pop_login("192.0.2.8", "jane", Seconds(900)));
  Search own(pop.state(), "192.0.2.8");
  until([&] { return own.done; });
  EXPECT_EQ(own.user(), "jane");
}

TEST_F(SharedStateTest, WithoutMmpStateOnlyOwnLoginsCount) {
  Worker& pop = unconnected("pop");
  Worker& smtp = unconnected("smtp");
  pop.state().record_login(pop_login("192.0.2.7", "joe", Seconds(900)));
  Search own(pop.state(), "192.0.2.7");
  Search other(smtp.state(), "192.0.2.7");
  EXPECT_TRUE(own.done && other.done);
  EXPECT_EQ(own.user(), "joe");
  EXPECT_EQ(other.user(), "nobody");
  // It is told as soon as there is one.
  pop.connect(*server_);
  smtp.connect(*server_);
  settle();
  Search later(smtp.state(), "192.0.2.7");
  until([&] { return later.done; });
  EXPECT_EQ(later.user(), "joe");
}

TEST_F(SharedStateTest, WhoeverAsksForALoginMayLeave) {
  Worker& smtp = worker("smtp");
  settle();
  for (int turns = 0; turns < 5; ++turns) {
    Search search(smtp.state(), "192.0.2.7");
    for (int i = 0; i < turns; ++i) loop_.run_turn();
  }
  settle();
  Search asks(smtp.state(), "192.0.2.7");
  server_.reset();
  until([&] { return asks.done; });
  EXPECT_EQ(asks.user(), "nobody");
}

TEST_F(SharedStateTest, LoginsAndRelaysSurviveMmpState) {
  Worker& a = worker("pop");
  a.state().record_login(pop_login("192.0.2.7", "joe", Seconds(900)));
  a.state().relay_failed("relay:25", "refused", std::chrono::minutes(10));
  settle();
  server_.reset();
  until([&] { return !a.state().connected(); });
  server_.emplace(loop_, log_);  // without a snapshot
  a.connect(*server_);
  Worker& b = worker("smtp");
  settle();
  until([&] { return b.state().relays().avoided_for("relay:25", loop_.now()) > Millis(0); });
  Search search(b.state(), "192.0.2.7");
  until([&] { return search.done; });
  EXPECT_EQ(search.user(), "joe");
}

TEST_F(SharedStateTest, WhatMmpStateWouldNotHearIsNotTold) {
  Worker& a = worker("pop");
  for (const std::string& user :
       {std::string(), std::string(513, 'x'), std::string("joe\r\nBcc: all")}) {
    a.state().record_login(pop_login("192.0.2.7", user, Seconds(900)));
  }
  settle();
  EXPECT_EQ(server_->workers(), 1u);
  Search search(a.state(), "192.0.2.7");
  until([&] { return search.done; });
  EXPECT_EQ(search.user(), "nobody");
}

TEST_F(SharedStateTest, AWorkerMayEndAtAnyMoment) {
  for (int turns = 0; turns < 12; ++turns) {
    Worker& a = worker();
    for (int i = 0; i < 6; ++i) a.session("k", 4);
    for (int i = 0; i < turns; ++i) loop_.run_turn();
    workers_.clear();
    until([&] { return server_->workers() == 0; });
  }
}

}  // namespace
}  // namespace openmmp::state
