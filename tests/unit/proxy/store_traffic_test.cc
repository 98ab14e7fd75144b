#include "workers/proxy/store_traffic.h"

#include <gtest/gtest.h>

#include <list>

namespace openmmp::proxy {
namespace {

TEST(StoreTraffic, LimitsWhoIsConnectingToOneStore) {
  StoreTraffic traffic;
  std::list<StoreTraffic::Attempt> attempts;
  for (int i = 0; i < 3; ++i) {
    auto attempt = traffic.begin("a:143", 3, std::nullopt);
    ASSERT_TRUE(attempt);
    attempts.push_back(std::move(*attempt));
  }
  const auto refused = traffic.begin("a:143", 3, std::nullopt);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Error(Errc::unavailable,
                                   "3 connections to it are pending, as many as "
                                   "MaxConcurrentConnectionAttempts allows"));
  EXPECT_TRUE(traffic.begin("b:143", 3, std::nullopt));  // another store
  attempts.front().connected();
  attempts.front().connected();  // counts once
  auto next = traffic.begin("a:143", 3, std::nullopt);
  ASSERT_TRUE(next);
  EXPECT_FALSE(traffic.begin("a:143", 3, std::nullopt));
  attempts.pop_back();  // a session that has ended
  EXPECT_TRUE(traffic.begin("a:143", 3, std::nullopt));
}

TEST(StoreTraffic, LimitsLoginsWhereAStoreIsSpared) {
  StoreTraffic traffic;
  auto first = traffic.begin("a:143", 10, 2);
  auto second = traffic.begin("a:143", 10, 2);
  ASSERT_TRUE(first && second);
  first->connected();
  second->connected();
  const auto refused = traffic.begin("a:143", 10, 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_TRUE(traffic.begin("a:143", 10, 4));
  { const StoreTraffic::Attempt done = std::move(*second); }
  EXPECT_TRUE(traffic.begin("a:143", 10, 2));
}

}  // namespace
}  // namespace openmmp::proxy
