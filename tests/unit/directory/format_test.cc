#include "workers/directory/format.h"

#include <gtest/gtest.h>

namespace openmmp::directory {
namespace {

LoginName name_of(const char* typed, const char* default_domain = "") {
  NameRules rules;
  rules.default_domain = default_domain;
  return *parse_login_name(typed, rules);
}

TEST(FilterFormat, Fill) {
  const struct {
    const char* format;
    const char* typed;
    const char* filter;
  } cases[] = {
      {"(uid=%s)", "joe", "(uid=joe)"},
      {"(uid=%s)", "joe@X", "(uid=joe@x)"},
      {"(uid=%U)", "joe@x", "(uid=joe)"},
      {"(mail=%o)", "joe@X", "(mail=joe@X)"},
      {"(&(uid=%U)(o=%V))", "joe@x", "(&(uid=joe)(o=x))"},
      {"(&(uid=%U)(o=%V))", "joe", "(&(uid=joe)(o=*))"},
      {"(mail=%U@*%V*)", "joe", "(mail=joe@*)"},
      {"(&(uid=%U)(ip=%C)(server=%S)(dn=%D))", "joe", "(&(uid=joe)(ip=192.0.2.1)(server=*)(dn=*))"},
      {"(uid=%U)", "*", "(uid=\\2a)"},
      {"(uid=%U)", "a*)(uid=b\\", "(uid=a\\2a\\29\\28uid=b\\5c)"},
      {"(uid=%%%U)", "joe", "(uid=%joe)"},
      {"(uid=%U)", "%s", "(uid=%s)"},
      {"(uid=%U)", "\xC3\xA9", "(uid=\xC3\xA9)"},
      {"uid=%U", "joe", "uid=joe"},
  };
  for (const auto& c : cases) {
    const Result<FilterFormat> format = FilterFormat::parse(c.format);
    ASSERT_TRUE(format) << c.format << ": " << format.error().detail;
    EXPECT_EQ(format->fill(name_of(c.typed), "192.0.2.1", "", ""), c.filter);
  }
}

TEST(FilterFormat, TheCertificatesSubjectIsAValueLikeOthers) {
  const FilterFormat format = *FilterFormat::parse("(&(uid=%U)(dn=%D))");
  EXPECT_EQ(format.fill(name_of("joe"), "", "", "CN=joe*,O=x"), "(&(uid=joe)(dn=CN=joe\\2a,O=x))");
  EXPECT_EQ(format.fill(name_of("joe"), "", "", ""), "(&(uid=joe)(dn=*))");
}

TEST(FilterFormat, Refused) {
  for (const char* text : {"", "(uid=%x)", "(uid=%)", "(uid=%U", "uid", "(uid=%A[mail])", "%U",
                           "(%U=x)", "(cn%U=x)", "(&(a=b)%U)"}) {
    EXPECT_FALSE(FilterFormat::parse(text)) << text;
  }
}

TEST(ReplayFormat, Fill) {
  Entry entry("uid=joe,o=x");
  entry.add("uid", "Joe");
  entry.add("mail", "joe@x.org");
  entry.add("bad", "joe\r\nA1 LOGOUT");
  const struct {
    const char* format;
    const char* default_domain;
    const char* typed;
    const char* replay;  // null: none
  } cases[] = {
      {"", "", "joe", "joe"},
      {"", "", "joe@x.org", "joe@x.org"},
      {"", "x.org", "joe", "joe"},
      {"", "x.org", "joe@X.org", "joe"},
      {"", "x.org", "joe@y.org", "joe@y.org"},
      {"%U", "", "joe@x.org", "joe"},
      {"%s", "", "joe@X.org", "joe@x.org"},
      {"%s", "", "joe", "joe"},
      {"%o", "", "Joe@X.org", "Joe@X.org"},
      {"%U%%%V", "", "joe@x.org", "joe%x.org"},
      {"%A[UID]@%V", "", "joe@x.org", "Joe@x.org"},
      {"%A[mail]", "", "joe", "joe@x.org"},
      {"%[uid]+%V", "", "joe@x.org", "Joe+x.org"},
      {"%A[phone]", "", "joe", nullptr},
      {"%[phone]", "", "joe", nullptr},
      {"%A[bad]", "", "joe", nullptr},
      {"%V", "", "joe", nullptr},
  };
  for (const auto& c : cases) {
    const Result<ReplayFormat> format = ReplayFormat::parse(c.format, "@");
    ASSERT_TRUE(format) << c.format;
    const Result<std::string> replay = format->fill(name_of(c.typed, c.default_domain), entry);
    ASSERT_EQ(replay.has_value(), c.replay != nullptr) << c.format;
    if (replay) {
      EXPECT_EQ(*replay, c.replay) << c.format;
    } else {
      EXPECT_EQ(replay.error().code, Errc::unavailable);
    }
  }
}

TEST(ReplayFormat, ErrorsSayWhereItStands) {
  const ReplayFormat format = *ReplayFormat::parse("%[x]", "@", "mailAccessProxyReplay");
  EXPECT_EQ(format.fill(name_of("joe"), Entry("o=x")).error().detail,
            "entry 'o=x' has no x, which mailAccessProxyReplay needs");
}

TEST(ReplayFormat, NamesItsAttributes) {
  const std::vector<std::string> expected{"uid", "mail"};
  EXPECT_EQ(ReplayFormat::parse("%A[uid]+%U+%A[mail]", "@")->attributes(), expected);
}

TEST(ReplayFormat, Refused) {
  for (const char* text :
       {"%", "%C", "%A", "%A[", "%A[]", "%A[uid", "%Auid]", "%x", "%[", "%[]", "%[uid"}) {
    EXPECT_FALSE(ReplayFormat::parse(text, "@")) << text;
  }
}

}  // namespace
}  // namespace openmmp::directory
