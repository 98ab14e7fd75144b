// Two instances, each an mmp-state with a worker, and nothing but a function between them.
#include <gtest/gtest.h>

#include "worker.h"

namespace openmmp::state {
namespace {

class StateSharingTest : public testing::Test {
 protected:
  StateSharingTest() : log_("Test"), file_(log_), a_(loop_, log_), b_(loop_, log_) {
    a_.share_by([this](const Fact& fact) { said_by_a_.push_back(fact); });
    b_.share_by([this](const Fact& fact) { said_by_b_.push_back(fact); });
    at_a_.connect(a_);
    at_b_.connect(b_);
  }
  // What has been said reaches the other.
  void pass_on() {
    for (const Fact& fact : std::exchange(said_by_a_, {})) b_.learn(fact);
    for (const Fact& fact : std::exchange(said_by_b_, {})) a_.learn(fact);
  }
  template <class Done>
  [[nodiscard]] bool until(Done done) {
    return turn_until(loop_, [&] {
      pass_on();
      return done();
    });
  }
  // Times are told apart by milliseconds.
  void later() {
    const Millis before = loop_.now();
    ASSERT_TRUE(until([&] { return loop_.now() > before + Millis(1); }));
  }
  proto::StateReply ask_auth(StateServer& server, const std::string& address) {
    proto::StateRequest request;
    request.mutable_auth()->set_address(address);
    return server.answer(request);
  }

  Loop loop_;
  Log log_;
  LogFile file_;
  StateServer a_;
  StateServer b_;
  Worker at_a_{loop_, log_, "pop", 0};
  Worker at_b_{loop_, log_, "smtp", 0};
  std::vector<Fact> said_by_a_;
  std::vector<Fact> said_by_b_;
};

TEST_F(StateSharingTest, ALoginThereIsALoginHere) {
  proxy::PopLogin login{"192.0.2.1", "joe", loop_.now(), loop_.now() + Millis(60'000)};
  at_a_.state().record_login(login);
  EXPECT_TRUE(until([&] { return ask_auth(b_, "192.0.2.1").ok(); }));
  EXPECT_EQ(ask_auth(b_, "192.0.2.1").auth(0).user(), "joe");
  EXPECT_TRUE(b_.take_changed());
  EXPECT_EQ(b_.facts().count("login:192.0.2.1"), 1u);
  // It is not said back.
  EXPECT_TRUE(said_by_b_.empty());
}

TEST_F(StateSharingTest, APenaltyAndItsEndAreToldToAllWorkers) {
  const SocketAddress bad = address_of("203.0.113.7");
  Session& session = at_a_.session("k", 10);
  session.context.client = bad;
  at_a_.state().login_failed(session.context);
  EXPECT_TRUE(until([&] { return at_b_.state().badness(bad) == Seconds(2); }));
  later();
  proto::StateRequest forgive;
  forgive.mutable_bad_guys()->set_forgive(bad.ip());
  EXPECT_TRUE(b_.answer(forgive).ok());
  EXPECT_TRUE(until([&] { return at_a_.state().badness(bad) == Seconds(0); }));
}

TEST_F(StateSharingTest, ARelayIsAvoidedThereTooUntilItServes) {
  const auto avoided = [&](Worker& w) {
    return w.state().relays().avoided_for("relay:25", loop_.now()) > Millis(0);
  };
  at_a_.state().relay_failed("relay:25", "no greeting", Millis(60'000));
  EXPECT_TRUE(until([&] { return avoided(at_b_); }));
  const Facts facts = b_.facts();
  ASSERT_EQ(facts.count("relay:relay:25"), 1u);
  EXPECT_EQ(std::get<proxy::RelayEvent>(facts.at("relay:relay:25").what).kind,
            proxy::RelayEvent::Kind::failed);
  later();
  at_b_.state().relay_succeeded("relay:25");
  EXPECT_TRUE(until([&] { return !avoided(at_a_); }));
  EXPECT_EQ(std::get<proxy::RelayEvent>(a_.facts().at("relay:relay:25").what).kind,
            proxy::RelayEvent::Kind::succeeded);
}

TEST_F(StateSharingTest, WhatAnOperatorDecidesStaysInTheInstance) {
  proto::StateRequest request;
  request.mutable_relays()->set_disable("relay:25");
  EXPECT_TRUE(a_.answer(request).ok());
  EXPECT_TRUE(until([&] { return !at_a_.state().relays().enabled("relay:25"); }));
  EXPECT_TRUE(said_by_a_.empty());
  EXPECT_TRUE(a_.facts().empty());
  EXPECT_TRUE(b_.facts().empty());
}

TEST_F(StateSharingTest, WhatIsOverIsNotShared) {
  proxy::RelayEvent event;
  event.relay = "relay:25";
  event.at = loop_.now() - Millis(10);
  event.avoid_for = Millis(5);
  a_.learn(Fact{event, event.at + event.avoid_for});
  EXPECT_TRUE(a_.facts().empty());
}

}  // namespace
}  // namespace openmmp::state
