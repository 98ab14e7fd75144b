#include "workers/directory/ldap_url.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace openmmp::directory {
namespace {

using Words = std::vector<std::string>;

TEST(LdapUrl, Accepted) {
  const struct {
    Words words;
    const char* result;  // file, servers, base
  } cases[] = {
      {{"ldif:users.ldif"}, "users.ldif  ''"},
      {{"LDIF:/etc/users.ldif?ou=people,o=x"}, "/etc/users.ldif  'ou=people,o=x'"},
      {{"ldif:users.ldif?o=My%20Org"}, "users.ldif  'o=My Org'"},
      {{"ldif:my", "users.ldif"}, "my users.ldif  ''"},
      {{"ldap://h1"}, " ldap://h1:389 ''"},
      {{"ldap://h1/"}, " ldap://h1:389 ''"},
      {{"LDAP://h1/o=internet"}, " ldap://h1:389 'o=internet'"},
      {{"ldaps://h1/o=internet"}, " ldaps://h1:636 'o=internet'"},
      {{"ldap://h1:1389/o=My%20Org%5c%2cInc"}, " ldap://h1:1389 'o=My Org\\,Inc'"},
      {{"ldap://h1", "h2:390/o=internet"}, " ldap://h1:389,ldap://h2:390 'o=internet'"},
      {{"ldap://h1/o=x", "ldaps://h2/O=X"}, " ldap://h1:389,ldaps://h2:636 'O=X'"},
      {{"ldap://h1", "h2/o=x", "ldap://h3/o=x"},
       " ldap://h1:389,ldap://h2:389,ldap://h3:389 'o=x'"},
      {{"ldap://[::1]:390/o=x"}, " ldap://[::1]:390 'o=x'"},
      {{"ldap://h1/ou=people,", "o=x"}, " ldap://h1:389 'ou=people, o=x'"},
      {{"ldap://h1/o=x??"}, " ldap://h1:389 'o=x'"},
  };
  for (const auto& c : cases) {
    const Result<LdapUrl> url = parse_ldap_url(c.words);
    ASSERT_TRUE(url) << c.result << ": " << url.error().detail;
    EXPECT_EQ(fmt::format("{} {} '{}'", url->ldif_file, fmt::join(url->servers, ","), url->base),
              c.result);
  }
}

TEST(LdapUrl, Refused) {
  const Words cases[] = {
      {},
      {"users.ldif"},
      {"ldif:"},
      {"ldif:?o=x"},
      {"ldif:a?joe"},
      {"http://h1/o=x"},
      {"h1", "ldap://h2"},
      {"ldap://"},
      {"ldap:///o=x"},
      {"ldap://h1:0/o=x"},
      {"ldap://h1:99999/o=x"},
      {"ldap://h1/o=x?uid?sub"},
      {"ldap://h1/joe"},
      {"ldap://h1/o=My%20Org%2cInc"},  // a comma in a value is "\\,"
      {"ldap://h1/o=%zz"},
      {"ldap://h1/o=%4"},
      {"ldap://h1/o=x", "ldap://h2/o=y"},
      {"ldap://h1", "ldap://h2/o=y"},
  };
  for (const Words& words : cases) {
    EXPECT_FALSE(parse_ldap_url(words)) << fmt::format("{}", fmt::join(words, " "));
  }
}

}  // namespace
}  // namespace openmmp::directory
