// Every parser, with every prefix of a good text and every byte of it changed to every other: each
// must end with a value or an Error. What it reads out of bounds the sanitizers see.
#include <gtest/gtest.h>

#include "workers/directory/dn.h"
#include "workers/directory/embedded.h"
#include "workers/directory/filter.h"
#include "workers/directory/format.h"
#include "workers/directory/ldap_url.h"
#include "workers/directory/login_name.h"

namespace openmmp::directory {
namespace {

template <class Parse>
void try_variants(const std::string& good, Parse parse) {
  ASSERT_TRUE(parse(good)) << good;
  for (size_t length = 0; length < good.size(); ++length) parse(good.substr(0, length));
  for (size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    for (int c = 0; c < 256; ++c) {
      changed[i] = static_cast<char>(c);
      parse(changed);
    }
  }
}

TEST(Hostile, Dn) {
  try_variants("cn=A\\2C\\+b+sn=#\xC3\xA9,ou=x y , o=z", [](const std::string& text) {
    const Result<Dn> dn = Dn::parse(text);
    if (dn) {
      EXPECT_TRUE(dn->is_at_or_below(*dn));
    }
    return dn.has_value();
  });
}

TEST(Hostile, Filter) {
  Entry entry("o=x");
  entry.add("uid", "joe");
  entry.add("n", "5");
  try_variants("(&(|(uid=j*o*e)(uid=\\6Aoe))(!(n>=7))(n<=9)(cn~=\xC3\xA9)(uid=*))",
               [&](const std::string& text) {
                 const Result<Filter> filter = parse_filter(text);
                 if (filter) match(*filter, entry);
                 return filter.has_value();
               });
}

TEST(Hostile, Ldif) {
  const std::string text =
      "version: 1\r\n# c\n d\ndn:: bz14\nuid: joe\nsn:: am9l\nx: a\n b\n\ndn: o=y\nuid: jim\n";
  try_variants(text, [](const std::string& variant) {
    Result<EmbeddedDirectory> directory = EmbeddedDirectory::from_ldif(variant);
    if (directory) directory->search(Dn(), *parse_filter("(|(uid=joe)(x=*))"), 5);
    return directory.has_value();
  });
}

TEST(Hostile, LdapUrl) {
  try_variants("ldap://h1:390/ou=a%20b,o=x??",
               [](const std::string& text) { return parse_ldap_url({text}).has_value(); });
  try_variants("ldif:f?o=x", [](const std::string& text) {
    return parse_ldap_url({text, "ldaps://[::1]/"}).has_value() ||
           parse_ldap_url({text}).has_value();
  });
}

TEST(Hostile, Formats) {
  try_variants("(&(uid=%U%%)(d=%V)(m=%s%o)(c=%C%S%D))",
               [](const std::string& text) { return FilterFormat::parse(text).has_value(); });
  try_variants("%A[uid]@%V%%%s",
               [](const std::string& text) { return ReplayFormat::parse(text, "@").has_value(); });
}

// Whatever a client types, the filter that comes out compares with exactly that.
TEST(Hostile, LoginName) {
  const FilterFormat format = *FilterFormat::parse("(uid=%o)");
  try_variants("jo\xC3\xA9*()\\@x.\xF0\x9F\x98\x80", [&](const std::string& typed) {
    const Result<LoginName> name = parse_login_name(typed, NameRules());
    if (!name) return false;
    const Result<Filter> filter = parse_filter(format.fill(*name, "", "", ""));
    EXPECT_TRUE(filter) << typed;
    Entry entry("o=x");
    entry.add("uid", typed);
    EXPECT_EQ(filter->kind, Filter::Kind::equal) << typed;
    EXPECT_EQ(match(*filter, entry), Truth::yes) << typed;
    return true;
  });
}

}  // namespace
}  // namespace openmmp::directory
