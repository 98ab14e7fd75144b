#include "workers/directory/login_name.h"

#include <gtest/gtest.h>

namespace openmmp::directory {
namespace {

TEST(LoginName, Split) {
  const struct {
    const char* delimiters;
    const char* default_domain;
    const char* typed;
    const char* user;
    const char* domain;
    const char* canonical;
    bool in_default_domain;
  } cases[] = {
      {"@", "", "joe", "joe", "", "joe", true},
      {"@", "Example.com", "joe", "joe", "example.com", "joe@example.com", true},
      {"@", "example.com", "joe@Example.COM", "joe", "example.com", "joe@example.com", true},
      {"@", "example.com", "Joe@x.org", "Joe", "x.org", "Joe@x.org", false},
      {"@", "", "joe@x.org", "joe", "x.org", "joe@x.org", false},
      {"@", "", "joe@home@x.org", "joe@home", "x.org", "joe@home@x.org", false},
      {"@%+", "", "joe%x.org", "joe", "x.org", "joe@x.org", false},
      {"@%+", "", "joe+tag@x.org", "joe+tag", "x.org", "joe+tag@x.org", false},
      {"@+", "", "joe@x.org+y", "joe@x.org", "y", "joe@x.org@y", false},
      {"", "d", "joe@x.org", "joe@x.org", "d", "joe@x.org@d", true},
      {"@", "", "*()\\", "*()\\", "", "*()\\", true},
      {"@", "", "\xC3\xA9mile", "\xC3\xA9mile", "", "\xC3\xA9mile", true},
      {"@", "", " joe ", " joe ", "", " joe ", true},
  };
  for (const auto& c : cases) {
    NameRules rules;
    rules.delimiters = c.delimiters;
    rules.default_domain = c.default_domain;
    const Result<LoginName> name = parse_login_name(c.typed, rules);
    ASSERT_TRUE(name) << c.typed << ": " << name.error().detail;
    EXPECT_EQ(name->typed, c.typed);
    EXPECT_EQ(name->user, c.user) << c.typed;
    EXPECT_EQ(name->domain, c.domain) << c.typed;
    EXPECT_EQ(name->canonical, c.canonical) << c.typed;
    EXPECT_EQ(name->in_default_domain, c.in_default_domain) << c.typed;
  }
}

TEST(LoginName, CanonicalDelimiter) {
  NameRules rules;
  rules.canonical_delimiter = "+";
  EXPECT_EQ(parse_login_name("joe@x", rules)->canonical, "joe+x");
}

TEST(LoginName, NamesThatNobodyHas) {
  const std::string cases[] = {
      "",
      "@",
      "@x.org",
      "joe@",
      std::string("jo\0e", 4),
      "joe\r\nA1 LOGOUT",
      "joe\x7F",
      "joe\xC2\x85",   // C1
      "joe\xC0\xAE",   // overlong
      "\xED\xA0\x80",  // surrogate
      "joe\xFF",
      std::string(513, 'x'),
  };
  for (const std::string& typed : cases) {
    const Result<LoginName> name = parse_login_name(typed, NameRules());
    ASSERT_FALSE(name) << typed;
    EXPECT_EQ(name.error().code, Errc::refused);
  }
  EXPECT_TRUE(parse_login_name(std::string(512, 'x'), NameRules()));
}

}  // namespace
}  // namespace openmmp::directory
