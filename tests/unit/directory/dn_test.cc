#include "workers/directory/dn.h"

#include <gtest/gtest.h>

namespace openmmp::directory {
namespace {

TEST(Dn, EqualDnsHaveOneForm) {
  const struct {
    const char* text;
    const char* form;
  } cases[] = {
      {"", ""},
      {"   ", ""},
      {"o=Example", "o=example"},
      {"UID=Joe,OU=People,O=Example", "uid=joe,ou=people,o=example"},
      {"uid = Joe ,  ou=People,o= My   Org ", "uid=joe,ou=people,o=my org"},
      {"cn=A\\, B,o=x", "cn=a\\, b,o=x"},
      {"cn=A\\2C B,o=x", "cn=a\\, b,o=x"},
      {"cn=caf\\C3\\A9,o=x", "cn=caf\xC3\xA9,o=x"},
      {"cn=caf\xC3\x89,o=x", "cn=caf\xC3\xA9,o=x"},
      {"sn=b+cn=a,o=x", "cn=a+sn=b,o=x"},
      {"cn=a\\+b,o=x", "cn=a\\+b,o=x"},
      {"cn=\\#1\\=2,o=x", "cn=#1=2,o=x"},
      {"cn=,o=x", "cn=,o=x"},
      {"2.5.4.3=a,o=x", "2.5.4.3=a,o=x"},
  };
  for (const auto& c : cases) {
    const Result<Dn> dn = Dn::parse(c.text);
    ASSERT_TRUE(dn) << c.text << ": " << dn.error().detail;
    EXPECT_EQ(dn->to_string(), c.form) << c.text;
  }
}

TEST(Dn, BadDnsAreRefused) {
  const std::string cases[] = {
      "joe",     "=x",    "o=x,",  "o=x,,c=y", "o=x,=y",       "o=a;c=b",
      "o=\"a\"", "o=a<b", "o=a\\", "o=a\\zb",  "o=a\\4",       "o x=a",
      ",o=x",    "o=a+",  "o=a+,", "o=a\\\n",  "\xC3\xA9=joe", std::string("o=\0", 3)};
  for (const auto& text : cases) EXPECT_FALSE(Dn::parse(text)) << text;
  const Result<Dn> long_one = Dn::parse("o=" + std::string(100000, 'x'));
  ASSERT_FALSE(long_one);
  EXPECT_EQ(long_one.error().code, Errc::limit);
}

TEST(Dn, ErrorsSayWhere) {
  EXPECT_EQ(Dn::parse("uid=joe,o").error().detail,
            "DN 'uid=joe,o': '=' is missing (at character 10)");
}

TEST(Rdns, HaveValuesAsTheyAreMeant) {
  const struct {
    const char* text;
    std::vector<Rdn> rdns;
    const char* again;
  } cases[] = {
      {"", {}, ""},
      {"CN=Joe Doe, O = x", {{{"cn", "Joe Doe"}}, {{"o", "x"}}}, "cn=Joe Doe,o=x"},
      {"cn=a+UID=B,o=x", {{{"cn", "a"}, {"uid", "B"}}, {{"o", "x"}}}, "cn=a+uid=B,o=x"},
      {"cn=a  b  ,o=", {{{"cn", "a  b"}}, {{"o", ""}}}, "cn=a  b,o="},
      {"cn=\\ a \\ ", {{{"cn", " a  "}}}, "cn=\\ a \\ "},
      {"cn=\\#1#\\,\\+\\\"\\<\\>\\;\\\\=",
       {{{"cn", "#1#,+\"<>;\\="}}},
       "cn=\\#1#\\,\\+\\\"\\<\\>\\;\\\\="},
      {"cn=caf\\C3\\A9", {{{"cn", "caf\xc3\xa9"}}}, "cn=caf\xc3\xa9"},
      {"cn=a\\00b\\0Ac\\7f", {{{"cn", std::string("a\0b\nc\x7f", 6)}}}, "cn=a\\00b\\0ac\\7f"},
      {"cn=\\20", {{{"cn", " "}}}, "cn=\\ "},
  };
  for (const auto& c : cases) {
    const auto rdns = parse_rdns(c.text);
    ASSERT_TRUE(rdns) << c.text << ": " << rdns.error().detail;
    EXPECT_EQ(*rdns, c.rdns) << c.text;
    EXPECT_EQ(dn_text(*rdns), c.again);
    EXPECT_EQ(*parse_rdns(c.again), c.rdns) << c.again;
  }
  EXPECT_FALSE(parse_rdns("joe"));
  EXPECT_EQ(parse_rdns("o=" + std::string(100000, 'x')).error().code, Errc::limit);
}

TEST(Dn, IsAtOrBelow) {
  const auto dn = [](const char* text) { return *Dn::parse(text); };
  EXPECT_TRUE(dn("uid=joe,o=x").is_at_or_below(dn("O=X")));
  EXPECT_TRUE(dn("o=x").is_at_or_below(dn("o=x")));
  EXPECT_TRUE(dn("o=x").is_at_or_below(Dn()));
  EXPECT_FALSE(dn("o=x").is_at_or_below(dn("uid=joe,o=x")));
  EXPECT_FALSE(dn("uid=joe,o=xx").is_at_or_below(dn("o=x")));
  EXPECT_FALSE(dn("cn=a\\,o=x").is_at_or_below(dn("o=x")));
}

}  // namespace
}  // namespace openmmp::directory
