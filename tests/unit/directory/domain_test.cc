#include "workers/directory/domain.h"

#include <gtest/gtest.h>

#include "workers/directory/dn.h"

namespace openmmp::directory {
namespace {

DomainRules rules_of(Schema schema) {
  DomainRules rules;
  rules.schema = schema;
  rules.root = "o=internet";
  rules.filter1 = "(objectClass=inetDomain)";
  rules.name1 = "sunPreferredDomain";
  rules.name2 = "associatedDomain";
  rules.alias = "aliasedObjectName";
  rules.canonical_name = "inetCanonicalDomainName";
  rules.base = "inetDomainBaseDN";
  rules.search_filter = "inetDomainSearchFilter";
  rules.uid_separator = "domainUidSeparator";
  rules.status = "inetDomainStatus";
  rules.mail_status = "mailDomainStatus";
  rules.canonical_delimiter = "@";
  return rules;
}

TEST(Domain, WhereItIsLookedForInTheDcTree) {
  const struct {
    const char* domain;
    const char* root;
    const char* base;  // null: nobody can have such a domain
  } cases[] = {
      {"example.com", "o=internet", "dc=example,dc=com,o=internet"},
      {"example.com", "", "dc=example,dc=com"},
      {"com", "o=internet", "dc=com,o=internet"},
      {"a,o=b.com", "o=internet", "dc=a\\,o=b,dc=com,o=internet"},
      {"a+b.c\\d", "o=internet", "dc=a\\+b,dc=c\\\\d,o=internet"},
      {" a .com", "", "dc=\\ a\\ ,dc=com"},
      {"#a.\"b\"", "", "dc=\\#a,dc=\\\"b\\\""},
      {"*", "", "dc=*"},
      {"", "o=internet", nullptr},
      {".", "o=internet", nullptr},
      {"a..b", "o=internet", nullptr},
      {".com", "o=internet", nullptr},
      {"com.", "o=internet", nullptr},
  };
  for (const auto& c : cases) {
    DomainRules rules = rules_of(Schema::one);
    rules.root = c.root;
    const Result<SearchRequest> request = domain_search(c.domain, rules);
    ASSERT_EQ(request.has_value(), c.base != nullptr) << c.domain;
    if (!request) {
      EXPECT_EQ(request.error().code, Errc::refused);
      continue;
    }
    EXPECT_EQ(request->base, c.base);
    EXPECT_TRUE(Dn::parse(request->base)) << request->base;
    EXPECT_EQ(request->scope, Scope::base);
    EXPECT_TRUE(request->base_may_be_missing);
    EXPECT_EQ(request->filter, "(objectClass=inetDomain)");
  }
}

TEST(Domain, WhereItIsLookedForByName) {
  const struct {
    const char* domain;
    const char* filter2;
    const char* filter;
  } cases[] = {
      {"x.org", "", "(|(sunPreferredDomain=x.org)(associatedDomain=x.org))"},
      {"x.org", "(o=*)", "(&(|(sunPreferredDomain=x.org)(associatedDomain=x.org))(o=*))"},
      {"x.org", "o=*", "(&(|(sunPreferredDomain=x.org)(associatedDomain=x.org))(o=*))"},
      {"*", "", "(|(sunPreferredDomain=\\2a)(associatedDomain=\\2a))"},
      {"x)(o=*", "", "(|(sunPreferredDomain=x\\29\\28o=\\2a)(associatedDomain=x\\29\\28o=\\2a))"},
  };
  for (const auto& c : cases) {
    for (const Schema schema : {Schema::one_and_a_half, Schema::two}) {
      DomainRules rules = rules_of(schema);
      rules.filter2 = c.filter2;
      const Result<SearchRequest> request = domain_search(c.domain, rules);
      ASSERT_TRUE(request);
      EXPECT_EQ(request->base, "o=internet");
      EXPECT_EQ(request->scope, Scope::subtree);
      EXPECT_FALSE(request->base_may_be_missing);
      EXPECT_EQ(request->filter, c.filter);
      EXPECT_TRUE(parse_filter(request->filter));
    }
  }
}

TEST(Domain, Aliases) {
  Entry alias("dc=a,o=internet");
  alias.add("objectClass", "INETDOMAINALIAS");
  const DomainRules rules = rules_of(Schema::one);
  EXPECT_EQ(alias_target(alias, rules).error().detail,
            "entry 'dc=a,o=internet': aliasedObjectName: is missing in an alias");
  Entry broken = alias;
  broken.add("aliasedObjectName", "nonsense");
  EXPECT_EQ(alias_target(broken, rules).error().code, Errc::unavailable);
  alias.add("aliasedObjectName", "dc=b,o=internet");
  EXPECT_EQ(*alias_target(alias, rules), "dc=b,o=internet");
  EXPECT_EQ(*alias_target(alias, rules_of(Schema::one_and_a_half)), "dc=b,o=internet");
  EXPECT_EQ(*alias_target(alias, rules_of(Schema::two)), "") << "there, domains have other names";
  EXPECT_EQ(*alias_target(Entry("o=x"), rules), "");
}

TEST(Domain, CanonicalNames) {
  const struct {
    Schema schema;
    const char* dn;
    const char* canonical;
    const char* preferred;
    const char* name;
  } cases[] = {
      {Schema::one, "dc=x,dc=org,o=internet", "", "", "x.org"},
      {Schema::one, "dc=X, dc=Org, O=Internet", "", "", "x.org"},
      {Schema::one, "dc=x,dc=org,o=internet", "Y.org", "z.org", "y.org"},
      {Schema::one, "ou=x,dc=org,o=internet", "", "", "asked"},
      {Schema::one, "o=internet", "", "", "asked"},
      {Schema::one_and_a_half, "dc=x,dc=org,o=internet", "", "", "x.org"},
      {Schema::one_and_a_half, "dc=x,dc=org,o=internet", "", "Z.org", "z.org"},
      {Schema::two, "o=x", "", "z.org", "z.org"},
      {Schema::two, "o=x", "y.org", "z.org", "y.org"},
      {Schema::two, "dc=x,dc=org,o=internet", "", "", "asked"},
  };
  for (const auto& c : cases) {
    Entry entry(c.dn);
    if (*c.canonical != '\0') entry.add("inetCanonicalDomainName", c.canonical);
    if (*c.preferred != '\0') entry.add("sunPreferredDomain", c.preferred);
    const Result<Domain> domain = read_domain(entry, "asked", rules_of(c.schema));
    ASSERT_TRUE(domain) << c.dn;
    EXPECT_EQ(domain->name, c.name) << c.dn;
  }
}

TEST(Domain, WhatItsEntrySays) {
  Entry entry("o=x");
  const Result<Domain> bare = read_domain(entry, "x.org", rules_of(Schema::one));
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->base, "o=x");
  EXPECT_FALSE(bare->search_filter || bare->replay || bare->pre_auth);
  EXPECT_EQ(bare->uid_separator + bare->access_filter, "");
  EXPECT_EQ(bare->judgement.standing(), Standing::active);
  entry.add("inetDomainBaseDN", "o=x,o=usergroup");
  entry.add("inetDomainSearchFilter", "(mail=%U@%V)");
  entry.add("mailAccessProxyReplay", "%[uid]@%V");
  entry.add("mailAccessProxyPreAuth", "YES");
  entry.add("mailDomainAllowedServiceAccess", "+imap:*");
  entry.add("mailDomainAllowedServiceAccess", "-pop:*");
  entry.add("domainUidSeparator", "_");
  entry.add("mailDomainStatus", "hold");
  const Result<Domain> full = read_domain(entry, "x.org", rules_of(Schema::one));
  ASSERT_TRUE(full);
  EXPECT_EQ(full->base, "o=x,o=usergroup");
  EXPECT_TRUE(full->search_filter && full->replay);
  EXPECT_EQ(full->pre_auth, true);
  EXPECT_EQ(full->access_filter, "+imap:*$-pop:*");
  EXPECT_EQ(full->uid_separator, "_");
  EXPECT_EQ(full->judgement.text(), "domain 'x.org' mailDomainStatus: 'hold'");
  EXPECT_NE(full->users_key, bare->users_key);
  EXPECT_EQ(read_domain(entry, "x.org", rules_of(Schema::two))->uid_separator, "");
}

TEST(Domain, WhatCannotBeUsedIsTheOperatorsMistake) {
  const struct {
    const char* attribute;
    const char* value;
  } cases[] = {
      {"inetDomainBaseDN", "nonsense"},         {"inetDomainSearchFilter", "(uid=%U"},
      {"inetDomainSearchFilter", "(uid=%x)"},   {"inetDomainSearchFilter", "(%U=x)"},
      {"mailAccessProxyReplay", "%x"},          {"mailAccessProxyReplay", "%["},
      {"inetCanonicalDomainName", "x\r\n.org"}, {"inetCanonicalDomainName", "x\xFF"},
  };
  for (const auto& c : cases) {
    Entry entry("o=x");
    entry.add(c.attribute, c.value);
    const Result<Domain> domain = read_domain(entry, "x.org", rules_of(Schema::two));
    ASSERT_FALSE(domain) << c.value;
    EXPECT_EQ(domain.error().code, Errc::unavailable);
    EXPECT_TRUE(domain.error().detail.starts_with(std::string("entry 'o=x': ") + c.attribute));
  }
}

TEST(Domain, PreAuth) {
  for (const auto& [value, expected] : {std::pair<const char*, std::optional<bool>>{"yes", true},
                                        {"No", false},
                                        {"", std::nullopt},
                                        {"maybe", std::nullopt}}) {
    Entry entry("o=x");
    entry.add("mailAccessProxyPreAuth", value);
    EXPECT_EQ(read_domain(entry, "x.org", rules_of(Schema::two))->pre_auth, expected) << value;
  }
}

}  // namespace
}  // namespace openmmp::directory
