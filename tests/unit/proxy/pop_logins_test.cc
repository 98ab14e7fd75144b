#include "workers/proxy/pop_logins.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace openmmp::proxy {
namespace {

PopLogin login(const char* address, const char* user, int at, int expires) {
  return PopLogin{address, user, Time(at), Time(expires)};
}

std::string user_at(const PopLogins& logins, const char* address, int now) {
  const auto found = logins.find(address, Time(now));
  return found ? found->user : "nobody";
}

TEST(PopLogins, CountUntilTheyExpire) {
  struct Case {
    int now;
    const char* address;
    const char* user;
  };
  const Case cases[] = {
      {1000, "192.0.2.7", "joe"},       {900'999, "192.0.2.7", "joe"},
      {901'000, "192.0.2.7", "nobody"}, {901'001, "192.0.2.7", "nobody"},
      {1000, "192.0.2.70", "nobody"},   {1000, "192.0.2.", "nobody"},
      {1000, "2001:db8::7", "jane"},    {1000, "2001:db8::8", "nobody"},
  };
  PopLogins logins(10);
  EXPECT_TRUE(logins.record(login("192.0.2.7", "joe", 1000, 901'000), Time(1000)));
  EXPECT_TRUE(logins.record(login("2001:db8::7", "jane", 1000, 2000), Time(1000)));
  for (const Case& c : cases) EXPECT_EQ(user_at(logins, c.address, c.now), c.user) << c.now;
}

TEST(PopLogins, WhatIsOverIsNotRecorded) {
  PopLogins logins(10);
  EXPECT_FALSE(logins.record(login("192.0.2.7", "joe", 0, 100), Time(100)));
  EXPECT_FALSE(logins.record(login("192.0.2.7", "joe", 0, -5), Time(0)));
  EXPECT_EQ(logins.size(), 0u);
}

TEST(PopLogins, OfAnAddressTheLastOneCountsInAnyOrder) {
  std::vector<PopLogin> all = {login("192.0.2.7", "a", 10, 910), login("192.0.2.7", "b", 20, 120),
                               login("192.0.2.7", "c", 20, 920), login("192.0.2.7", "d", 20, 920)};
  std::vector<size_t> order = {0, 1, 2, 3};
  do {
    PopLogins logins(10);
    for (const size_t i : order) logins.record(all[i], Time(20));
    for (const size_t i : order) EXPECT_FALSE(logins.record(all[i], Time(20)));
    ASSERT_EQ(user_at(logins, "192.0.2.7", 20), "d");
    ASSERT_EQ(logins.size(), 1u);
    ASSERT_EQ(logins.list(Time(20)).size(), 1u);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(PopLogins, ALaterOneMayEndEarlier) {
  PopLogins logins(10);
  logins.record(login("192.0.2.7", "joe", 10, 910), Time(10));
  EXPECT_TRUE(logins.record(login("192.0.2.7", "joe", 20, 30), Time(20)));
  EXPECT_EQ(user_at(logins, "192.0.2.7", 30), "nobody");
}

TEST(PopLogins, PastTheMostTheFirstToExpireGoes) {
  PopLogins logins(2);
  logins.record(login("192.0.2.1", "a", 0, 300), Time(0));
  logins.record(login("192.0.2.2", "b", 0, 200), Time(0));
  EXPECT_FALSE(logins.record(login("192.0.2.3", "c", 0, 150), Time(0)));  // it is the first itself
  EXPECT_TRUE(logins.record(login("192.0.2.4", "d", 0, 250), Time(0)));
  EXPECT_EQ(logins.size(), 2u);
  EXPECT_EQ(user_at(logins, "192.0.2.2", 0), "nobody");
  // One that is known takes no more room; what is over makes some.
  EXPECT_TRUE(logins.record(login("192.0.2.1", "a", 1, 301), Time(1)));
  EXPECT_EQ(user_at(logins, "192.0.2.4", 1), "d");
  EXPECT_TRUE(logins.record(login("192.0.2.5", "e", 260, 270), Time(260)));
  EXPECT_EQ(user_at(logins, "192.0.2.1", 260), "a");
  PopLogins none(0);
  EXPECT_FALSE(none.record(login("192.0.2.1", "a", 0, 300), Time(0)));
}

TEST(PopLogins, AreListedByTheirEnd) {
  PopLogins logins(10);
  logins.record(login("192.0.2.1", "a", 0, 300), Time(0));
  logins.record(login("192.0.2.2", "b", 0, 100), Time(0));
  logins.record(login("192.0.2.3", "c", 0, 200), Time(0));
  std::string users;
  for (const PopLogin& item : logins.list(Time(100))) users += item.user;
  EXPECT_EQ(users, "ca");
  logins.forget_expired(Time(200));
  EXPECT_EQ(logins.size(), 1u);
  logins.forget_expired(Time(1000));
  EXPECT_EQ(logins.size(), 0u);
}

}  // namespace
}  // namespace openmmp::proxy
