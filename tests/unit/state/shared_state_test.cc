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
