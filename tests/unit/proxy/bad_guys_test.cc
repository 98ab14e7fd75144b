#include "workers/proxy/bad_guys.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace openmmp::proxy {
namespace {

using namespace std::chrono_literals;
using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

SocketAddress at(const std::string& ip) { return *SocketAddress::parse(ip, 0); }

// Address number `n` of a million.
SocketAddress number(uint32_t n) {
  return SocketAddress::from_bytes(
      {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, static_cast<uint8_t>(n >> 16),
       static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)},
      40000);
}

BadGuyRules rules(bool linear = false, size_t most = 10000) {
  BadGuyRules result;
  result.linear = linear;
  result.most = most;
  return result;
}

TEST(BadGuys, EachFailureAddsAPenaltyUpToTheMost) {
  BadGuys guys(rules());
  EXPECT_EQ(guys.badness(at("192.0.2.1"), 0s), 0s);
  for (int n = 1; n <= 50; ++n) {
    const Seconds expected(std::min(2 * n, 60));
    EXPECT_EQ(guys.failed(at("192.0.2.1"), Millis(n)).badness, expected);
    EXPECT_EQ(guys.badness(at("192.0.2.1"), Millis(n)), expected);
  }
  EXPECT_EQ(guys.badness(at("192.0.2.2"), 1s), 0s);
  EXPECT_EQ(guys.size(), 1U);
}

TEST(BadGuys, BadnessEndsOrFades) {
  // Badness 10, set at 1000 s.
  const struct {
    Millis now;
    Seconds step;
    Seconds linear;
  } cases[] = {
      {999s, 10s, 10s},                              // by a clock that was read before the other's
      {1000s, 10s, 10s},     {1000001ms, 10s, 10s},  // rounded up
      {1089999ms, 10s, 10s}, {1090s, 10s, 9s},      {1090001ms, 10s, 9s}, {1450s, 10s, 5s},
      {1899s, 10s, 1s},      {1899999ms, 10s, 1s},  {1900s, 0s, 0s},      {99999s, 0s, 0s},
  };
  for (const bool linear : {false, true}) {
    BadGuys guys(rules(linear));
    for (int n = 0; n < 5; ++n) guys.failed(at("192.0.2.1"), 1000s);
    for (const auto& one : cases) {
      EXPECT_EQ(guys.badness(at("192.0.2.1"), one.now), linear ? one.linear : one.step)
          << linear << " at " << one.now.count();
    }
  }
}

TEST(BadGuys, AFailureCountsFromWhatIsLeft) {
  BadGuys step(rules());
  BadGuys linear(rules(true));
  for (BadGuys* guys : {&step, &linear}) {
    for (int n = 0; n < 5; ++n) guys->failed(at("192.0.2.1"), 1000s);
  }
  EXPECT_EQ(step.failed(at("192.0.2.1"), 1450s).badness, 12s);
  EXPECT_EQ(linear.failed(at("192.0.2.1"), 1450s).badness, 7s);
  // The time begins anew.
  EXPECT_EQ(step.badness(at("192.0.2.1"), 2349s), 12s);
  EXPECT_EQ(step.badness(at("192.0.2.1"), 2350s), 0s);
  EXPECT_EQ(step.failed(at("192.0.2.1"), 2350s).badness, 2s);
}

TEST(BadGuys, SuccessForgives) {
  BadGuys guys(rules());
  EXPECT_FALSE(guys.succeeded(at("192.0.2.1"), 1s));
  EXPECT_EQ(guys.size(), 0U);
  guys.failed(at("192.0.2.1"), 1s);
  const std::optional<BadGuy> forgiven = guys.succeeded(at("192.0.2.1"), 1s);
  ASSERT_TRUE(forgiven);
  EXPECT_EQ(forgiven->badness, 0s);
  EXPECT_GT(forgiven->since, 1s);
  EXPECT_EQ(guys.badness(at("192.0.2.1"), 2s), 0s);
  EXPECT_FALSE(guys.succeeded(at("192.0.2.1"), 2s));
  EXPECT_FALSE(guys.forgive(at("192.0.2.1"), 2s));
  EXPECT_EQ(guys.failed(at("192.0.2.1"), 3s).badness, 2s);
  EXPECT_TRUE(guys.forgive(at("192.0.2.1"), 3s));
  // What is over is not forgiven.
  guys.failed(at("192.0.2.1"), 4s);
  EXPECT_FALSE(guys.succeeded(at("192.0.2.1"), 904s));
}

TEST(BadGuys, ANetworkOfIpv6IsOne) {
  BadGuys guys(rules());
  EXPECT_EQ(guys.failed(at("2001:db8:1:2::1"), 1s).address.ip(), "2001:db8:1:2::");
  EXPECT_EQ(guys.failed(at("2001:db8:1:2:ffff::9"), 1s).badness, 4s);
  EXPECT_EQ(guys.badness(at("2001:db8:1:2:3:4:5:6"), 1s), 4s);
  EXPECT_EQ(guys.badness(at("2001:db8:1:3::1"), 1s), 0s);
  EXPECT_EQ(guys.failed(at("::ffff:192.0.2.1"), 1s).address.ip(), "192.0.2.1");
  EXPECT_EQ(guys.badness(at("192.0.2.1"), 1s), 2s);
  EXPECT_EQ(guys.badness(at("192.0.2.2"), 1s), 0s);
}

TEST(BadGuys, TheOneNearestToItsEndMakesRoom) {
  BadGuys guys(rules(false, 2));
  guys.failed(at("192.0.2.1"), 1s);
  guys.failed(at("192.0.2.2"), 2s);
  guys.failed(at("192.0.2.1"), 3s);
  guys.failed(at("192.0.2.3"), 4s);
  EXPECT_EQ(guys.size(), 2U);
  EXPECT_EQ(guys.badness(at("192.0.2.1"), 4s), 4s);
  EXPECT_EQ(guys.badness(at("192.0.2.2"), 4s), 0s);
  EXPECT_EQ(guys.badness(at("192.0.2.3"), 4s), 2s);
  // Entries that are over go when a new one comes.
  guys.failed(at("192.0.2.9"), 2000s);
  EXPECT_EQ(guys.size(), 1U);
}

TEST(BadGuys, AMillionAddressesTakeNoMoreRoomThanAllowed) {
  BadGuys guys(rules(true, 1000));
  for (uint32_t n = 0; n < 1000000; ++n) {
    guys.failed(number(n), Millis(n));
    ASSERT_LE(guys.size(), 1000U);
  }
  EXPECT_EQ(guys.entries().size(), 1000U);
  EXPECT_EQ(guys.badness(number(998999), 1000s), 0s);
  EXPECT_GT(guys.badness(number(999000), 1000s), 0s);
  // Nor do the news of others.
  for (uint32_t n = 0; n < 100000; ++n) guys.merge({number(n), 2s, 1000s + Millis(n)}, 1100s);
  EXPECT_EQ(guys.size(), 1000U);
}

TEST(BadGuys, RulesMayTurnAllOff) {
  BadGuyRules none = rules(false, 0);
  BadGuyRules no_penalty = rules();
  no_penalty.penalty = 0s;
  BadGuyRules no_decay = rules();
  no_decay.decay = 0s;
  BadGuyRules no_badness = rules();
  no_badness.max_badness = 0s;
  for (const BadGuyRules& one : {none, no_penalty, no_decay, no_badness}) {
    BadGuys guys(one);
    guys.failed(at("192.0.2.1"), 1s);
    EXPECT_EQ(guys.badness(at("192.0.2.1"), 1s), 0s);
    EXPECT_TRUE(guys.all(1s).empty());
    EXPECT_FALSE(guys.forgive(at("192.0.2.1"), 1s));
  }
}

TEST(BadGuys, TheNewerEntryStays) {
  const struct {
    Seconds badness;
    Millis since;
    Seconds then;
  } cases[] = {
      {8s, 99s, 4s},     // older
      {8s, 101s, 8s},    // newer
      {0s, 101s, 0s},    // forgiven elsewhere
      {8s, 100s, 8s},    // as old: the worse
      {2s, 100s, 4s},    // as old, and less
      {900s, 101s, 60s}  // nobody is worse than the rules allow
  };
  for (const auto& one : cases) {
    BadGuys guys(rules());
    guys.failed(at("192.0.2.1"), 100s);
    guys.failed(at("192.0.2.1"), 100s);
    guys.merge({at("192.0.2.1"), one.badness, one.since}, 102s);
    EXPECT_EQ(guys.badness(at("192.0.2.1"), 102s), one.then) << one.badness.count();
  }
}

TEST(BadGuys, OldNewsDoesNotUndoAForgiveness) {
  BadGuys mine(rules());
  BadGuys other(rules());
  const BadGuy failure = mine.failed(at("192.0.2.1"), 100s);
  const std::optional<BadGuy> success = mine.succeeded(at("192.0.2.1"), 100s);
  ASSERT_TRUE(success);
  for (const BadGuy& news : {*success, failure}) other.merge(news, 101s);
  EXPECT_EQ(other.badness(at("192.0.2.1"), 101s), 0s);
  for (const BadGuy& news : {failure, *success}) other.merge(news, 101s);
  EXPECT_EQ(other.badness(at("192.0.2.1"), 101s), 0s);
}

TEST(BadGuys, CanBeToldToOthers) {
  BadGuys mine(rules(true));
  for (int n = 0; n < 3; ++n) mine.failed(at("192.0.2.3"), 100s);
  mine.failed(at("192.0.2.2"), 200s);
  mine.failed(at("192.0.2.1"), 300s);
  mine.forgive(at("192.0.2.1"), 301s);
  const std::vector<BadGuy> shown = mine.all(550s);
  ASSERT_EQ(shown.size(), 2U);
  EXPECT_EQ(shown[0].address.ip(), "192.0.2.3");
  EXPECT_EQ(shown[0].badness, 3s);
  EXPECT_EQ(shown[1].address.ip(), "192.0.2.2");
  BadGuys other(rules(true));
  ASSERT_EQ(mine.entries().size(), 3U);
  for (const BadGuy& entry : mine.entries()) other.merge(entry, 550s);
  for (const char* ip : {"192.0.2.1", "192.0.2.2", "192.0.2.3"}) {
    EXPECT_EQ(other.badness(at(ip), 550s), mine.badness(at(ip), 550s)) << ip;
  }
  EXPECT_TRUE(other.all(5000s).empty());
}

}  // namespace
}  // namespace openmmp::proxy
