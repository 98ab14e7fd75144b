#include "workers/directory/filter.h"

#include <gtest/gtest.h>

namespace openmmp::directory {
namespace {

Entry joe() {
  Entry entry("uid=joe,o=example");
  entry.add("objectClass", "inetOrgPerson");
  entry.add("uid", "Joe");
  entry.add("cn", "Joe  Q.   User");
  entry.add("mail", "joe@example.com");
  entry.add("mail", "joseph@example.com");
  entry.add("quota", "90");
  entry.add("odd", "a*b(c)\\d");
  return entry;
}

TEST(Filter, Matches) {
  const struct {
    const char* filter;
    Truth truth;
  } cases[] = {
      {"(uid=joe)", Truth::yes},
      {"uid=joe", Truth::yes},
      {" (uid=joe) ", Truth::yes},
      {"(UID=JOE)", Truth::yes},
      {"(uid= joe )", Truth::yes},
      {"(uid=jo)", Truth::no},
      {"(uid=\\6aoe)", Truth::yes},
      {"(uid~=joe)", Truth::yes},
      {"(cn=joe q. user)", Truth::yes},
      {"(mail=joseph@example.com)", Truth::yes},
      {"(mail=*)", Truth::yes},
      {"(phone=*)", Truth::no},
      {"(mail=joe*)", Truth::yes},
      {"(mail=*example.com)", Truth::yes},
      {"(mail=j*@*.com)", Truth::yes},
      {"(mail=*.com*example)", Truth::no},
      {"(mail=joe@example.com*m)", Truth::no},  // pieces may not overlap
      {"(cn=joe *user)", Truth::yes},
      {"(cn=*q. *)", Truth::yes},
      {"(odd=a\\2ab\\28c\\29\\5cd)", Truth::yes},
      {"(odd=a*d)", Truth::yes},
      {"(odd=a\\2a*)", Truth::yes},
      {"(uid=\\2a)", Truth::no},
      {"(quota>=100)", Truth::no},  // as numbers, not as text
      {"(quota<=100)", Truth::yes},
      {"(quota>=90)", Truth::yes},
      {"(quota<=90)", Truth::yes},
      {"(uid>=ja)", Truth::yes},
      {"(uid<=ja)", Truth::no},
      {"(&(uid=joe)(mail=*))", Truth::yes},
      {"(&(uid=joe)(mail=x))", Truth::no},
      {"(|(uid=x)(mail=joe@example.com))", Truth::yes},
      {"(|(uid=x)(uid=y))", Truth::no},
      {"(!(uid=joe))", Truth::no},
      {"(!(uid=x))", Truth::yes},
      {"(!(phone=1))", Truth::yes},
      {"(& (uid=joe) (! (uid=jim)) )", Truth::yes},
      {"(&)", Truth::yes},
      {"(|)", Truth::no},
      {"(uid=)", Truth::undefined},
      {"(!(uid=))", Truth::undefined},
      {"(&(uid=)(uid=x))", Truth::no},
      {"(&(uid=)(uid=joe))", Truth::undefined},
      {"(|(uid=)(uid=joe))", Truth::yes},
      {"(|(uid=)(uid=x))", Truth::undefined},
      {"(!(|(uid=)(uid=x)))", Truth::undefined},
  };
  for (const auto& c : cases) {
    const Result<Filter> filter = parse_filter(c.filter);
    ASSERT_TRUE(filter) << c.filter << ": " << filter.error().detail;
    EXPECT_EQ(match(*filter, joe()), c.truth) << c.filter;
  }
}

TEST(Filter, BadFiltersAreRefused) {
  const std::string cases[] = {"",
                               "(",
                               ")",
                               "()",
                               "(uid)",
                               "(uid=joe",
                               "(uid=joe))",
                               "(uid=joe)x",
                               "(=joe)",
                               "(uid=a(b)",
                               "(uid=a\\2)",
                               "(uid=a\\)",
                               "(uid=a\\zz)",
                               "(uid>=a*)",
                               "(uid~=a*)",
                               "(uid=**)",
                               "(uid=j**e)",
                               "(u_id=a)",
                               "(uid>joe)",
                               "(!)",
                               "(!(uid=a)(uid=b))",
                               "(!uid=a)",
                               "(&(uid=a)",
                               "(&uid=a)",
                               "(uid:=a)",
                               "(uid:dn:=a)",
                               "(u id=a)",
                               std::string("(uid=a\0b)", 9)};
  for (const auto& text : cases) {
    EXPECT_FALSE(parse_filter(text)) << text;
  }
}

TEST(Filter, IsBounded) {
  const auto nested = [](int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += "(!";
    text += "(uid=joe)";
    return text + std::string(static_cast<size_t>(depth), ')');
  };
  EXPECT_TRUE(parse_filter(nested(16)));
  EXPECT_EQ(parse_filter(nested(17)).error().code, Errc::limit);
  EXPECT_FALSE(parse_filter(std::string(16384, '(')));
  EXPECT_EQ(parse_filter("(uid=" + std::string(20000, 'x') + ")").error().code, Errc::limit);
}

}  // namespace
}  // namespace openmmp::directory
