#include "workers/directory/auth_cache.h"

#include <gtest/gtest.h>

namespace openmmp::directory {
namespace {

using namespace std::chrono_literals;

bool knows(AuthCache& cache, std::string_view key, const char* password,
           AuthCache::Time now = 0ms) {
  return cache.knows(key, Secret(password), now);
}

TEST(AuthCache, KnowsThisPasswordOfThisKeyAlone) {
  AuthCache cache(10, 900s);
  cache.insert("joe", Secret("secret"), 0ms);
  cache.insert("jim", Secret("other"), 0ms);
  EXPECT_TRUE(knows(cache, "joe", "secret"));
  EXPECT_TRUE(knows(cache, "jim", "other"));
  for (const auto& [key, password] : {std::pair("jim", "secret"),
                                      {"joe", "other"},
                                      {"joe", ""},
                                      {"joe", "Secret"},
                                      {"joes", "ecret"},
                                      {"jo", "esecret"},
                                      {"JOE", "secret"},
                                      {"", "joesecret"},
                                      {"", ""}}) {
    EXPECT_FALSE(knows(cache, key, password)) << key << " " << password;
  }
  EXPECT_FALSE(knows(cache, std::string_view("joe\0", 4), "secret"));
}

TEST(AuthCache, AWrongPasswordChangesNothingAndARightOneReplaces) {
  AuthCache cache(10, 900s);
  cache.insert("joe", Secret("old"), 0ms);
  EXPECT_FALSE(knows(cache, "joe", "wrong"));
  EXPECT_TRUE(knows(cache, "joe", "old"));
  cache.insert("joe", Secret("new"), 0ms);
  EXPECT_FALSE(knows(cache, "joe", "old"));
  EXPECT_TRUE(knows(cache, "joe", "new"));
  EXPECT_EQ(cache.size(), 1U);
  cache.forget("joe");
  cache.forget("nobody");
  EXPECT_FALSE(knows(cache, "joe", "new"));
  EXPECT_EQ(cache.size(), 0U);
}

TEST(AuthCache, UseDoesNotProlongItsLife) {
  AuthCache cache(10, 900s);
  cache.insert("joe", Secret("secret"), 1s);
  EXPECT_TRUE(knows(cache, "joe", "secret", 500s));
  EXPECT_TRUE(knows(cache, "joe", "secret", 900s));
  EXPECT_FALSE(knows(cache, "joe", "secret", 901s));
}

TEST(AuthCache, HoldsExactlyItsCapacityAndDropsWhatIsUsedLeast) {
  AuthCache cache(3, 900s);
  for (const char* key : {"a", "b", "c"}) cache.insert(key, Secret("x"), 0ms);
  EXPECT_TRUE(knows(cache, "a", "x"));
  cache.insert("d", Secret("x"), 0ms);
  EXPECT_EQ(cache.size(), 3U);
  EXPECT_FALSE(knows(cache, "b", "x"));
  for (const char* key : {"a", "c", "d"}) EXPECT_TRUE(knows(cache, key, "x")) << key;
  for (int i = 0; i < 1000; ++i) cache.insert(std::to_string(i), Secret("x"), 0ms);
  EXPECT_EQ(cache.size(), 3U);
}

TEST(AuthCache, MayBeSwitchedOff) {
  AuthCache none(0, 900s);
  none.insert("joe", Secret("secret"), 0ms);
  EXPECT_FALSE(knows(none, "joe", "secret"));
  AuthCache short_lived(10, 0s);
  short_lived.insert("joe", Secret("secret"), 0ms);
  EXPECT_FALSE(knows(short_lived, "joe", "secret"));
}

}  // namespace
}  // namespace openmmp::directory
