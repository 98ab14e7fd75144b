#include "workers/directory/cache.h"

#include <gtest/gtest.h>

#include "workers/directory/entry.h"

namespace openmmp::directory {
namespace {

using namespace std::chrono_literals;

TEST(Cache, KeepsForItsTime) {
  Cache<Entry> cache(10, 1000ms);
  cache.insert("a", Entry("o=a"), 5000ms);
  ASSERT_NE(cache.find("a", 5000ms), nullptr);
  EXPECT_EQ(cache.find("a", 5999ms)->dn(), "o=a");
  EXPECT_EQ(cache.find("a", 6000ms), nullptr);
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_EQ(cache.find("b", 5000ms), nullptr);
}

TEST(Cache, FindingDoesNotProlong) {
  Cache<Entry> cache(10, 1000ms);
  cache.insert("a", Entry("o=a"), 0ms);
  EXPECT_NE(cache.find("a", 999ms), nullptr);
  EXPECT_EQ(cache.find("a", 1000ms), nullptr);
}

TEST(Cache, InsertingAgainReplaces) {
  Cache<Entry> cache(10, 1000ms);
  cache.insert("a", Entry("o=a"), 0ms);
  cache.insert("a", Entry("o=b"), 500ms);
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_EQ(cache.find("a", 1400ms)->dn(), "o=b");
}

TEST(Cache, TheLeastRecentlyUsedMakesRoom) {
  Cache<Entry> cache(2, 1000ms);
  cache.insert("a", Entry("o=a"), 0ms);
  cache.insert("b", Entry("o=b"), 0ms);
  EXPECT_NE(cache.find("a", 1ms), nullptr);
  cache.insert("c", Entry("o=c"), 2ms);
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_NE(cache.find("a", 3ms), nullptr);
  EXPECT_EQ(cache.find("b", 3ms), nullptr);
  EXPECT_NE(cache.find("c", 3ms), nullptr);
}

TEST(Cache, OfNoSizeOrTimeKeepsNothing) {
  Cache<Entry> no_room(0, 1000ms);
  no_room.insert("a", Entry("o=a"), 0ms);
  EXPECT_EQ(no_room.find("a", 0ms), nullptr);
  Cache<Entry> no_time(10, 0ms);
  no_time.insert("a", Entry("o=a"), 0ms);
  EXPECT_EQ(no_time.find("a", 0ms), nullptr);
}

}  // namespace
}  // namespace openmmp::directory
