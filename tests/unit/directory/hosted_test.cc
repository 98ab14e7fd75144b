// Hosted domains: the same entries in a real slapd and in an embedded directory, asked the same
// questions.
#include <fmt/format.h>

#include "tests/unit/directory/hosted_fixture.h"
#include "workers/directory/text.h"

namespace openmmp::directory {
namespace {

TEST_F(HostedTest, BothDirectoriesAnswerAlike) {
  const char* const joe = "store1 as joe@one.com (joe@one.com of one.com) user: +imap:*";
  const struct {
    const char* schema;
    std::string name;
    std::string route;  // or its beginning, before "..."
  } cases[] = {
      {"2", "joe@one.com", joe},
      {"2", "joe@ONE.com", joe},
      {"2", "joe@uno.com", "store1 as joe@uno.com (joe@one.com of one.com) user: +imap:*"},
      {"2", "Joe@two.com",
       "store2 as joe+two.com (Joe@zwei.com of zwei.com) preauth domain: "
       "+imap,imaps:*$-ALL:10."},
      {"2", "jim@two.com", "refused: no entry matches (mail=jim@two.com)"},
      {"2", "joe@else.com",
       "store1 as joe@else.com (joe@else.com of else.com) no preauth user: +imap:*"},
      {"2", "nobody@one.com", "refused: no entry matches (uid=nobody)"},
      {"2", "twin@one.com", "refused: more than one entry matches (uid=twin)"},
      {"2", "a*b(c)d@one.com", "store1 as a*b(c)d@one.com (a*b(c)d@one.com of one.com)"},
      {"2", "*@one.com", "refused: no entry matches (uid=\\2a)"},
      {"2", "x)(uid=*@one.com", "refused: no entry matches (uid=x\\29\\28uid=\\2a)"},
      {"2", "joe@*", "refused: domain '*' not found in LDAP (-1 )"},
      {"2", "joe@one.com)(o=*", "refused: domain 'one.com)(o=*' not found in LDAP (-1 )"},
      {"2", "joe@x.example", "refused: domain 'x.example' not found in LDAP (-1 )"},
      {"2", "joe@zwei.com", "refused: domain 'zwei.com' not found in LDAP (-1 )"},
      {"2", "joe@..", "refused: domain '..' not found in LDAP (-1 )"},
      {"2", std::string("joe@one\0.com", 12),
       "refused: the login name has a control character in it"},
      {"2", "joe@one\xFF.com", "refused: the login name is not well-formed UTF-8"},
      {"2", "joe@twice.com",
       "refused: more than one entry matches "
       "(|(sunPreferredDomain=twice.com)(associatedDomain=twice.com))"},
      {"2", "joe@filter.com",
       "unavailable: entry 'o=filter,ou=orgs,o=example': inetDomainSearchFilter: ..."},
      {"2", "joe@wrong.com",
       "unavailable: entry 'o=wrong,ou=orgs,o=example': inetDomainBaseDN: DN 'nonsense': ..."},
      {"2", "joe@gone.com", "unavailable: ..."},
      {"2", "homeless@one.com",
       "as homeless@one.com (homeless@one.com of one.com) closed: user 'homeless@one.com' "
       "mailUserStatus: 'disabled'"},
      // Without a domain: as users of a site that has none.
      {"2", "solo", "store4 as solo (solo of ) suspended: user 'solo' mailUserStatus: 'hold'"},
      {"2", "joe", "refused: more than one entry matches (uid=joe)"},
      {"1", "joe@one.com", joe},
      {"1", "joe@One.Com", joe},
      {"1", "joe@uno.com", "store1 as joe@uno.com (joe@one.com of one.com) user: +imap:*"},
      {"1", "joe@five.com", "store1 as joe@five.com (joe@one.com of one.com) user: +imap:*"},
      {"1", "joe@six.com",
       "unavailable: entry 'dc=uno,dc=com,ou=dc,o=example': more than 5 aliases, one after the "
       "other"},
      {"1", "joe@loop.com", "unavailable: ...more than 5 aliases, one after the other"},
      {"1", "joe@lost.com",
       "unavailable: entry 'dc=lost,dc=com,ou=dc,o=example': aliasedObjectName: "
       "'dc=nowhere,dc=com,ou=dc,o=example' is not there"},
      {"1", "joe@own.com", "store5 as joe@own.com (joe@own.com of own.com)"},
      {"1", "joe@sep.com", "store3 as joe@sep.com (joe@sep.com of sep.com)"},
      {"1", "joe_sep.com@sep.com", "refused: no entry matches (uid=joe_sep.com_sep.com)"},
      {"1", "joe@plain.com", "refused: domain 'plain.com' not found in LDAP (-1 )"},
      {"1", "joe@x.example", "refused: domain 'x.example' not found in LDAP (-1 )"},
      {"1", "joe@one..com", "refused: domain 'one..com' not found in LDAP (-1 )"},
      {"1", "joe@com,ou=dc", "refused: domain 'com,ou=dc' not found in LDAP (-1 )"},
      {"1", "joe@\xC3\xA9.com", "refused: domain '\xC3\xA9.com' not found in LDAP (-1 )"},
      {"1", "joe@*.com", "refused: domain '*.com' not found in LDAP (-1 )"},
      {"1.5", "joe@one.com", joe},
      {"1.5", "joe@uno.com", "store1 as joe@uno.com (joe@one.com of one.com) user: +imap:*"},
      {"1.5", "joe@sep.com", "store3 as joe@sep.com (joe@sep.com of sep.com)"},
      {"1.5", "joe@own.com", "store5 as joe@own.com (joe@own.com of own.com)"},
      {"1.5", "joe@loop.com", "unavailable: ...more than 5 aliases, one after the other"},
      {"1.5", "joe@x.example", "refused: domain 'x.example' not found in LDAP (-1 )"},
  };
  for (const auto& c : cases) {
    use(c.schema);
    for (const bool is_ldap : {false, true}) {
      ASSERT_TRUE(open(url_of(is_ldap)));
      const size_t dots = std::min(c.route.find("..."), c.route.size());
      for (const char* from : {"directory", "cache"}) {
        const std::string found = find(c.name);
        EXPECT_EQ(found.substr(0, dots), c.route.substr(0, dots))
            << (is_ldap ? "LDAP " : "LDIF ") << c.schema << " from " << from << ": " << found;
        if (dots < c.route.size()) {
          EXPECT_TRUE(found.ends_with(c.route.substr(dots + 3))) << found;
        }
      }
    }
  }
}

TEST_F(HostedTest, EveryStatus) {
  use("2");
  for (const bool is_ldap : {false, true}) {
    ASSERT_TRUE(open(url_of(is_ldap)));
    for (const char* status : hosted_statuses) {
      const Standing of_user = standing_of(StatusOf::user, status);
      const Standing of_domain = standing_of(StatusOf::domain, status);
      for (const char* attribute : {"inetUserStatus", "mailUserStatus"}) {
        const std::string name = fmt::format("{}-{}@one.com", attribute, status);
        const Result<Route> found = route(name);
        ASSERT_TRUE(found) << name;
        EXPECT_EQ(found->standing, of_user) << name;
        const bool is_active = of_user == Standing::active;
        EXPECT_EQ(found->standing_text,
                  is_active ? "" : fmt::format("user '{}' {}: '{}'", name, attribute, status));
      }
      for (const char* attribute : {"inetDomainStatus", "mailDomainStatus"}) {
        const std::string domain = lower_case(fmt::format("{}-{}.com", attribute, status));
        const Result<Route> found = route("joe@" + domain);
        ASSERT_TRUE(found) << domain;
        EXPECT_EQ(found->standing, of_domain) << domain;
        if (of_domain == Standing::active) continue;
        EXPECT_EQ(found->standing_text.substr(0, 8 + domain.size()), "domain '" + domain)
            << found->standing_text;
      }
    }
  }
}

TEST_F(HostedTest, OptionsShapeTheSearch) {
  const struct {
    const char* name;
    const char* default_domain;
    const char* delimiters;
    const char* domain_search_format;
    const char* search_format;
    const char* ldap_uid;
    const char* route;
  } cases[] = {
      {"joe", "one.com", "@", "(uid=%U)", "(uid=%s)", "uid",
       "store1 as joe (joe@one.com of one.com) user: +imap:*"},
      {"joe@two.com", "one.com", "@", "(uid=%U)", "(uid=%s)", "uid",
       "store2 as joe+two.com (joe@zwei.com of zwei.com) preauth domain: "
       "+imap,imaps:*$-ALL:10."},
      {"joe+one.com", "", "@+%", "(uid=%U)", "(uid=%s)", "uid",
       "store1 as joe@one.com (joe@one.com of one.com) user: +imap:*"},
      {"joe@two.com%one.com", "", "@+%", "(mail=%U)", "(uid=%s)", "uid",
       "refused: no entry matches (mail=joe@two.com)"},
      {"joe@one.com", "", "@", "(mail=%s)", "(uid=%s)", "uid",
       "store1 as joe@one.com (joe@one.com of one.com) user: +imap:*"},
      {"joe@one.com", "", "@", "", "(mail=%o)", "uid",
       "store1 as joe@one.com (joe@one.com of one.com) user: +imap:*"},
      {"joe@one.com", "", "@", "(uid=%U)", "(uid=%s)", "title",
       "refused: no entry matches (title=joe)"},
      {"chief@one.com", "", "@", "(uid=%U)", "(uid=%s)", "title",
       "store1 as chief@one.com (chief@one.com of one.com) user: +imap:*"},
      {"joe@one.com", "", "@", "(&(uid=%U)(|(cn=%C)(cn=%S)(cn=%D)(cn=%V)))", "(uid=%s)", "uid",
       "refused: no entry matches "
       "(&(uid=joe)(|(cn=192.0.2.1)(cn=192.0.2.2)(cn=CN=joe)(cn=one.com)))"},
  };
  use("2");
  for (const auto& c : cases) {
    settings.default_domain = c.default_domain;
    settings.virtual_domain_delim = c.delimiters;
    settings.domain_search_format = c.domain_search_format;
    settings.search_format = c.search_format;
    settings.ldap_uid = c.ldap_uid;
    for (const bool is_ldap : {false, true}) {
      ASSERT_TRUE(open(url_of(is_ldap)));
      EXPECT_EQ(find(c.name), c.route) << c.name;
    }
  }
}

TEST_F(HostedTest, AttributesOfTheSchemaMayHaveOtherNames) {
  use("2");
  settings.ldap_attr_domain1_schema2 = "description";
  settings.ldap_attr_domain2_schema2 = "associatedDomain";
  settings.ldap_domain_filter_schema2 = "objectClass=organization";
  settings.ldap_user_mail_status = "title";
  settings.ldap_domain_attr_basedn = "seeAlso";
  settings.tcp_access_attr = "cn mailAllowedServiceAccess";
  settings.authentication_ldap_attributes = {"TITLE", "userPassword", "mail"};
  for (const bool is_ldap : {false, true}) {
    ASSERT_TRUE(open(url_of(is_ldap)));
    const Result<Route> found = route("joe@uno.com");
    EXPECT_EQ(text_of(found),
              "store1 as joe@uno.com (joe@uno.com of uno.com) user: joe$+imap:* closed: user "
              "'joe@uno.com' title: 'chief'");
    const std::pair<std::string, std::string> title("TITLE", "chief");
    ASSERT_EQ(found->attributes.size(), 3u);
    EXPECT_EQ(found->attributes.front(), title);
    EXPECT_TRUE(find("joe@one.com").starts_with("refused: domain 'one.com' not found"));
  }
}

TEST_F(HostedTest, MistakesNameTheOption) {
  use("1");
  settings.ldap_domain_filter_schema1 = "(objectClass=";
  EXPECT_TRUE(open(url_of(false)).error().detail.starts_with("LDAP_DOMAIN_FILTER_SCHEMA1: "));
  settings.ldap_domain_filter_schema1 = "";
  settings.ldap_domain_filter_schema2 = "(";
  EXPECT_TRUE(open(url_of(true)).error().detail.starts_with("LDAP_DOMAIN_FILTER_SCHEMA2: "));
  settings.ldap_domain_filter_schema2 = "";
  settings.ldap_domain_root = "nonsense";
  EXPECT_TRUE(open(url_of(true)).error().detail.starts_with("LDAP_DOMAIN_ROOT: "));
  settings.ldap_domain_root = "o=internet";
  EXPECT_EQ(open(url_of(false)).error().detail,
            "LDAP_DOMAIN_ROOT: the LDIF file has no entry below 'o=internet'");
  settings.hosted_domains = false;
  EXPECT_TRUE(open(url_of(false)));
  settings.domain_search_format = "(uid=%x)";
  EXPECT_TRUE(open(url_of(false)).error().detail.starts_with("DomainSearchFormat: "));
}

TEST_F(HostedTest, StepsTellHowItCame) {
  use("2");
  for (const bool is_ldap : {false, true}) {
    ASSERT_TRUE(open(url_of(is_ldap)));
    const std::string source = is_ldap ? slapd->url() : "users.ldif";
    for (const std::string& from : {source, std::string("cache")}) {
      Steps steps;
      ASSERT_TRUE(route("joe@two.com", &steps));
      std::string text;
      for (const Step& step : steps) text += step.what + ": " + step.value + "\n";
      EXPECT_EQ(text,
                "name as typed: joe@two.com\nuser: joe\ndomain: two.com\n"
                "domain entry: o=two,ou=orgs,o=example\ndomain answer from: " +
                    from +
                    "\ndomain's PreAuth: yes\nbase: o=two,ou=orgs,o=example\n"
                    "filter: (mail=joe@two.com)\nanswer from: " +
                    from +
                    "\nentry: uid=joe,o=two,ou=orgs,o=example\ncanonical name: joe@zwei.com\n"
                    "status: active\ndomain's access filter: +imap,imaps:*$-ALL:10.\n"
                    "mailHost: store2\nreplay name: joe+two.com\n");
    }
    Steps steps;
    EXPECT_FALSE(route("joe@x.example", &steps));
    EXPECT_EQ(steps.back().what, "failure");
    EXPECT_EQ(steps.back().value, "domain 'x.example' not found in LDAP (-1 )");
  }
}

TEST_F(HostedTest, PasswordsGroupsAndCertificates) {
  use("2");
  certmap = "certmap default default\ndefault:DNComps\ndefault:FilterComps e=mail\n";
  for (const bool is_ldap : {false, true}) {
    ASSERT_TRUE(open(url_of(is_ldap)));
    for (const auto& [name, secret] :
         {std::pair("joe@uno.com", "joes-secret"), std::pair("joe@two.com", "twos-secret")}) {
      Task<std::vector<Secret>> task = directory->find_passwords(Query(name));
      const Result<std::vector<Secret>>& found = finish(task);
      ASSERT_TRUE(found && found->size() == 1) << name;
      EXPECT_EQ(found->front().reveal(), secret);
    }
    Task<std::vector<Secret>> nobodys = directory->find_passwords(Query("joe@x.example"));
    EXPECT_EQ(finish(nobodys).error().code, Errc::refused);
    const config::Words groups = {"cn=admins,o=example"};
    for (const auto& [name, is_member] :
         {std::pair("joe@eins.com", true), std::pair("joe@two.com", false)}) {
      Task<bool> task = directory->is_member(Query(name), groups);
      EXPECT_EQ(*finish(task), is_member) << name;
    }
    for (const char* name : {"joe@one.com", "joe@two.com"}) {
      CertificateQuery query(fmt::format("emailAddress={}", name), "CN=An authority", "der");
      Task<Route> task = directory->find_by_certificate(std::move(query), nullptr);
      const Result<Route>& owner = finish(task);
      ASSERT_TRUE(owner) << owner.error().detail;
      EXPECT_EQ(owner->user, name);
      EXPECT_TRUE(is_same_entry(*route(owner->user), *owner));
    }
  }
}

TEST_F(HostedTest, CanonicalNames) {
  use("2");
  ASSERT_TRUE(open(url_of(false)));
  find("nobody@uno.com");
  EXPECT_EQ(directory->canonical_name("Joe@UNO.com"), "Joe@one.com");
  EXPECT_EQ(directory->canonical_name("joe@x.example"), "joe@x.example");
  EXPECT_EQ(directory->canonical_name("joe"), "joe");
  EXPECT_EQ(directory->canonical_name("joe@"), "joe@");
}

TEST_F(HostedTest, AReferralIsNotFollowed) {
  use("2");
  ASSERT_TRUE(open(url_of(true)));
  EXPECT_EQ(find("joe@away.com"), fmt::format("unavailable: {}: search: Referral", slapd->url()));
}

}  // namespace
}  // namespace openmmp::directory
