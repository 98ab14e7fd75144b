#include "config/redis_url.h"

#include <gtest/gtest.h>

namespace openmmp::config {
namespace {

TEST(RedisUrl, SaysWhereTheServerIs) {
  struct Case {
    const char* text;
    bool tls;
    const char* user;
    const char* host;
    uint16_t port;
    int database;
    const char* told;
  };
  const Case cases[] = {
      {"redis://cache", false, "", "cache", 6379, 0, "redis://cache:6379"},
      {"REDIS://10.0.0.7:6380/2", false, "", "10.0.0.7", 6380, 2, "redis://10.0.0.7:6380/2"},
      {"rediss://mmp@cache/", true, "mmp", "cache", 6379, 0, "rediss://cache:6379"},
      {"redis://[::1]:7000/00015", false, "", "::1", 7000, 15, "redis://[::1]:7000/15"},
      {"redis://a@b@cache", false, "a@b", "cache", 6379, 0, "redis://cache:6379"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto url = parse_redis_url(c.text);
    ASSERT_TRUE(url) << url.error().detail;
    EXPECT_EQ(url->tls, c.tls);
    EXPECT_EQ(url->user, c.user);
    EXPECT_EQ(url->host, HostPort(c.host, c.port));
    EXPECT_EQ(url->database, c.database);
    EXPECT_EQ(url->to_string(), c.told);
  }
}

TEST(RedisUrl, RefusesOthersAndSaysWhatItWants) {
  const std::string cases[] = {"",
                               "cache",
                               "http://cache",
                               "redis:/cache",
                               "redis://",
                               "redis://@cache",
                               "redis://:7000",
                               "redis://cache:0x10",
                               "redis://cache:99999",
                               "redis://cache/x",
                               "redis://cache/1/2",
                               "redis://cache/123456",
                               "redis://us\ner@cache",
                               "redis://" + std::string(600, 'h')};
  for (const std::string& text : cases) {
    SCOPED_TRACE(text);
    const auto url = parse_redis_url(text);
    ASSERT_FALSE(url);
    EXPECT_NE(url.error().detail.find("redis://[USER@]HOST[:PORT][/DB]"), std::string::npos);
  }
}

TEST(RedisUrl, NeverRepeatsAPassword) {
  for (const char* text : {"redis://u:hunter2@cache", "redis://:hunter2@cache/x",
                           "http://u:hunter2@cache", "u:hunter2@cache"}) {
    const auto url = parse_redis_url(text);
    ASSERT_FALSE(url);
    EXPECT_EQ(url.error().detail.find("hunter2"), std::string::npos) << url.error().detail;
    EXPECT_NE(url.error().detail.find("SharedStatePassword"), std::string::npos);
  }
}

}  // namespace
}  // namespace openmmp::config
