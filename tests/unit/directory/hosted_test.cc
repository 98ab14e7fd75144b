// Hosted domains: the same entries in a real slapd and in an embedded directory, asked the same
// questions.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <csignal>
#include <list>

#include "tests/unit/directory/slapd.h"
#include "tests/unit/directory/stub_server.h"
#include "workers/directory/directory.h"

namespace openmmp::directory {
namespace {

constexpr const char* statuses[] = {"active",       "overquota", "hold",    "inactive", "defer",
                                    "defer-submit", "disabled",  "deleted", "removed",  "nonsense"};

// `more` may begin with further classes: slapadd wants them beside the others.
std::string container(const char* kind, const std::string& name, const std::string& above,
                      const std::string& more = "") {
  const char* const object_class = *kind == 'd' ? "domain" : "organization";
  return fmt::format(
      "dn: {0}={1},{2}\nobjectClass: {3}\nobjectClass: extensibleObject\n{4}{0}: {1}\n\n", kind,
      name, above, object_class, more);
}
std::string organization(const std::string& name, const std::string& more) {
  return container("o", name, "ou=orgs,o=example", more);
}
// "NAME.com" of the DC tree.
std::string dc(const std::string& name, const std::string& more) {
  return container("dc", name, "dc=com,ou=dc,o=example", more);
}
std::string hosted(const std::string& name, const std::string& more) {
  return dc(name, "objectClass: inetDomain\n" + more);
}
std::string alias(const std::string& name, const std::string& target) {
  return fmt::format(
      "dn: dc={0},dc=com,ou=dc,o=example\nobjectClass: alias\nobjectClass: inetDomainAlias\n"
      "objectClass: extensibleObject\ndc: {0}\nsunPreferredDomain: {0}.com\n"
      "aliasedObjectName: {1}\n\n",
      name, target);
}
std::string person(const std::string& uid, const std::string& above, const std::string& more) {
  return fmt::format(
      "dn: uid={0},{1}\nobjectClass: inetOrgPerson\nobjectClass: extensibleObject\n"
      "uid: {0}\ncn: {0}\nsn: x\n{2}\n",
      uid, above, more);
}

constexpr const char* one = "o=one,ou=orgs,o=example";
constexpr const char* two = "o=two,ou=orgs,o=example";
constexpr const char* base_one = "inetDomainBaseDN: o=one,ou=orgs,o=example\n";

std::string organizations() {
  return organization("one",
                      "sunPreferredDomain: one.com\nassociatedDomain: uno.com\n"
                      "associatedDomain: eins.com\n") +
         organization("two",
                      "sunPreferredDomain: two.com\ninetCanonicalDomainName: zwei.com\n"
                      "inetDomainSearchFilter: (mail=%U@two.com)\n"
                      "mailAccessProxyReplay: %[cn]+%V\nmailAccessProxyPreAuth: yes\n"
                      "mailDomainAllowedServiceAccess: +imap,imaps:*\n"
                      "mailDomainAllowedServiceAccess: -ALL:10.\n") +
         organization("else", "sunPreferredDomain: else.com\nmailAccessProxyPreAuth: no\n" +
                                  std::string(base_one)) +
         organization("twice", "sunPreferredDomain: twice.com\n") +
         organization("again", "associatedDomain: twice.com\n") +
         organization("filter",
                      "sunPreferredDomain: filter.com\ninetDomainSearchFilter: (uid=%U\n") +
         organization("wrong", "sunPreferredDomain: wrong.com\ninetDomainBaseDN: nonsense\n") +
         organization("gone",
                      "sunPreferredDomain: gone.com\ninetDomainBaseDN: o=gone,o=example\n") +
         organization("away",
                      "sunPreferredDomain: away.com\ninetDomainBaseDN: ou=away,o=example\n");
}

std::string dc_tree() {
  return container("dc", "com", "ou=dc,o=example") +
         hosted("one", "sunPreferredDomain: one.com\n" + std::string(base_one)) +
         hosted("sep",
                "sunPreferredDomain: sep.com\ndomainUidSeparator: _\n" + std::string(base_one)) +
         hosted("own", "sunPreferredDomain: own.com\n") + dc("plain", "") +
         person("joe", "dc=own,dc=com,ou=dc,o=example", "mailHost: store5\n") +
         alias("uno", "dc=one, dc=com, ou=dc, o=example") +
         alias("loop", "dc=pool,dc=com,ou=dc,o=example") +
         alias("pool", "dc=loop,dc=com,ou=dc,o=example") +
         alias("lost", "dc=nowhere,dc=com,ou=dc,o=example") +
         alias("five", "dc=four,dc=com,ou=dc,o=example") +
         alias("four", "dc=three,dc=com,ou=dc,o=example") +
         alias("three", "dc=deux,dc=com,ou=dc,o=example") +
         alias("deux", "dc=uno,dc=com,ou=dc,o=example") +
         alias("six", "dc=five,dc=com,ou=dc,o=example");
}

std::string people() {
  return person("joe", one,
                "mailHost: store1\nmail: joe@one.com\nuserPassword: joes-secret\n"
                "mailAllowedServiceAccess: +imap:*\ntitle: chief\n") +
         person("joe", two, "mailHost: store2\nmail: joe@two.com\nuserPassword: twos-secret\n") +
         person("jim", two, "mailHost: store2\n") +
         person("joe_sep.com", one, "mailHost: store3\n") +
         person("a*b(c)d", one, "mailHost: store1\n") +
         person("solo", "o=example", "mailHost: store4\nmailUserStatus: hold\n") +
         person("homeless", one, "mailUserStatus: disabled\n") +
         person("twin", one, "mailHost: store1\n") +
         person("twin", "uid=joe," + std::string(one), "mailHost: store1\n");
}

// Each status of a domain, and of a user in one.com.
std::string every_status() {
  std::string text;
  for (const char* status : statuses) {
    for (const char* attribute : {"inetDomainStatus", "mailDomainStatus"}) {
      text += organization(
          fmt::format("{}-{}", attribute, status),
          fmt::format("associatedDomain: {0}-{1}.com\n{0}: {1}\n{2}", attribute, status, base_one));
    }
    for (const char* attribute : {"inetUserStatus", "mailUserStatus"}) {
      text += person(fmt::format("{}-{}", attribute, status), one,
                     fmt::format("mailHost: store1\n{}: {}\n", attribute, status));
    }
  }
  return text;
}

std::string ldif() {
  return "dn: o=example\nobjectClass: organization\no: example\n\n"
         "dn: ou=dc,o=example\nobjectClass: organizationalUnit\nou: dc\n\n"
         "dn: ou=orgs,o=example\nobjectClass: organizationalUnit\nou: orgs\n\n"
         "dn: ou=away,o=example\nobjectClass: referral\nobjectClass: extensibleObject\nou: away\n"
         "ref: ldap://127.0.0.1:1/o=x\n\n"
         "dn: cn=admins,o=example\nobjectClass: groupOfNames\ncn: admins\n"
         "member: uid=joe,o=one,ou=orgs,o=example\n\n" +
         organizations() + dc_tree() + people() + every_status();
}

UniqueFd file_of(const std::string& text) {
  UniqueFd fd(memfd_create("file", MFD_CLOEXEC));
  EXPECT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return fd;
}

std::string text_of(const Error& error) {
  const bool refused = error.code == Errc::refused;
  EXPECT_TRUE(refused || error.code == Errc::unavailable) << error.detail;
  return (refused ? "refused: " : "unavailable: ") + error.detail;
}

std::string text_of(const Result<Route>& route) {
  if (!route) return text_of(route.error());
  std::string text;
  for (const HostPort& host : route->hosts) text += host.to_string() + " ";
  text += fmt::format("as {} ({} of {})", route->replay_name, route->user, route->domain);
  if (route->pre_auth) text += *route->pre_auth ? " preauth" : " no preauth";
  if (!route->domain_filter.empty()) text += " domain: " + route->domain_filter;
  if (!route->user_filter.empty()) text += " user: " + route->user_filter;
  if (route->standing == Standing::suspended) text += " suspended: ";
  if (route->standing == Standing::closed) text += " closed: ";
  return text + route->standing_text;
}

class HostedTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::signal(SIGPIPE, SIG_IGN);
    slapd = std::make_unique<Slapd>(free_port(), "o=example", ldif());
    slapd->start();
  }
  static void TearDownTestSuite() { slapd.reset(); }

  HostedTest() { log.set_level(0); }

  static std::string url_of(bool is_ldap) {
    return is_ldap ? slapd->url() + "/o=example" : "ldif:users.ldif?o=example";
  }
  Result<> open(const std::string& url) {
    settings.ldap_url = {url};
    Files files;
    files.ldif = file_of(ldif());
    if (!certmap.empty()) files.cert_map = file_of(certmap);
    auto result = Directory::create(loop, settings, log, std::move(files));
    if (!result) return fail(result.error());
    directory = std::move(*result);
    return {};
  }
  void use(const char* schema) {
    settings.schema_level = schema;
    settings.ldap_domain_root =
        schema == std::string("2") ? "ou=orgs,o=example" : "ou=dc,o=example";
  }

  template <class T>
  Result<T>& finish(Task<T>& task) {
    task.start([](void* self) { static_cast<HostedTest*>(self)->loop.stop(); }, this);
    while (!task.finished()) loop.run();
    return task.result();
  }
  Result<Route> route(const std::string& name, Steps* steps = nullptr) {
    Query query(name, "192.0.2.1", "192.0.2.2");
    query.certificate_subject = "CN=joe";
    query.wants_dn = true;
    Task<Route> task = directory->find_route(std::move(query), steps);
    return finish(task);
  }
  std::string find(const std::string& name) { return text_of(route(name)); }

  static std::unique_ptr<Slapd> slapd;
  Loop loop;
  Log log{"Test"};
  config::Settings settings;
  std::string certmap;
  std::unique_ptr<Directory> directory;
};
std::unique_ptr<Slapd> HostedTest::slapd;

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
    for (const char* status : statuses) {
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

TEST_F(HostedTest, DomainsAreRememberedAndFailuresAreNot) {
  use("2");
  Slapd server(free_port(), "o=example", ldif());
  ASSERT_TRUE(open(server.url() + "/o=example"));
  EXPECT_EQ(find("joe@one.com").substr(0, 13), "unavailable: ");
  server.start();
  while (find("joe@one.com").starts_with("unavailable: ")) loop.run_turn();
  const std::string joe = find("joe@one.com");
  EXPECT_TRUE(joe.starts_with("store1 ")) << joe;
  server.stop();
  EXPECT_EQ(find("joe@one.com"), joe);
  EXPECT_EQ(find("twin@one.com").substr(0, 13), "unavailable: ");
  EXPECT_EQ(find("joe@two.com").substr(0, 13), "unavailable: ");
}

// The same user part, the same filter: what sets the users apart is the domain.
TEST_F(HostedTest, TheCacheKeepsUsersOfDifferentDomainsApart) {
  use("2");
  for (const bool is_ldap : {false, true}) {
    settings.domain_search_format = "(cn=%U)";
    ASSERT_TRUE(open(url_of(is_ldap)));
    for (int round = 0; round < 2; ++round) {
      EXPECT_EQ(route("joe@one.com")->dn, "uid=joe,o=one,ou=orgs,o=example");
      EXPECT_EQ(route("joe@two.com")->dn, "uid=joe,o=two,ou=orgs,o=example");
      EXPECT_EQ(route("joe@else.com")->dn, "uid=joe,o=one,ou=orgs,o=example");
    }
  }
}

TEST_F(HostedTest, DirectoriesShareSourcesAndNoCaches) {
  StubServer server(StubServer::Manner::answers);
  Sources sources;
  std::list<std::unique_ptr<Directory>> directories;
  settings.ldap_url = {server.url() + "/o=x"};
  for (const char* domain : {"a.org", "b.org"}) {
    settings.default_domain = domain;
    auto created = Directory::create(loop, settings, log, Files(), sources);
    ASSERT_TRUE(created);
    directory = std::move(*created);
    EXPECT_TRUE(find("joe").starts_with("stub as joe (joe@")) << find("joe");
    directories.push_back(std::move(directory));
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(server.searches(), 4) << "a domain and a user each";
  settings.bind_dn = "cn=other,o=x";
  auto created = Directory::create(loop, settings, log, Files(), sources);
  ASSERT_TRUE(created);
  directory = std::move(*created);
  find("joe");
  EXPECT_EQ(server.connections(), 2) << "who binds as somebody else may see something else";
  directory.reset();
  directories.clear();
}

TEST_F(HostedTest, AnLdifFileIsReadOnce) {
  Sources sources;
  settings.ldap_url = {"ldif:users.ldif?o=example"};
  Files files;
  files.ldif = file_of(ldif());
  const auto first = Directory::create(loop, settings, log, std::move(files), sources);
  ASSERT_TRUE(first);
  settings.ldap_url = {"ldif:users.ldif?ou=orgs,o=example"};
  auto second = Directory::create(loop, settings, log, Files(), sources);
  ASSERT_TRUE(second) << "the file is there already";
  directory = std::move(*second);
  EXPECT_TRUE(find("joe@one.com").starts_with("store1 "));
  settings.ldap_url = {"ldif:other.ldif"};
  EXPECT_FALSE(Directory::create(loop, settings, log, Files(), sources));
}

TEST_F(HostedTest, AThousandLoginsOfADomainMakeOneSearchForIt) {
  StubServer server(StubServer::Manner::answers);
  ASSERT_TRUE(open(server.url() + "/o=x"));
  std::list<Task<Route>> tasks;
  for (int i = 0; i < 1000; ++i) {
    tasks.push_back(directory->find_route(Query("joe@x.org"), nullptr));
    tasks.back().start();
  }
  const auto all_done = [&] {
    return std::all_of(tasks.begin(), tasks.end(),
                       [](const Task<Route>& task) { return task.finished(); });
  };
  while (!all_done()) loop.run_turn();
  for (Task<Route>& task : tasks) ASSERT_TRUE(task.result());
  EXPECT_EQ(server.searches(), 2);
}

TEST_F(HostedTest, ADirectoryThatIsDownIsNobodysFault) {
  using Manner = StubServer::Manner;
  settings.ldap_timeout = Seconds(1);
  for (const Manner manner :
       {Manner::refuses, Manner::dies_on_search, Manner::half_answer, Manner::mute_on_search}) {
    StubServer server(manner);
    ASSERT_TRUE(open(server.url() + "/o=x"));
    EXPECT_EQ(find("joe@x.org").substr(0, 13), "unavailable: ");
    directory.reset();
  }
  StubServer twice(Manner::two_entries);
  ASSERT_TRUE(open(twice.url() + "/o=x"));
  EXPECT_EQ(find("joe@x.org").substr(0, 28), "refused: more than one entry");
  directory.reset();
}

TEST_F(HostedTest, AnotherConnectionOrServerTakesOver) {
  StubServer dying(StubServer::Manner::dies_once);
  ASSERT_TRUE(open(dying.url() + "/o=x"));
  EXPECT_TRUE(find("joe@x.org").starts_with("stub as joe@x.org"));
  EXPECT_EQ(dying.connections(), 2);
  StubServer mute(StubServer::Manner::mute);
  StubServer second(StubServer::Manner::answers);
  settings.ldap_timeout = Seconds(3);
  settings.ldap_url = {mute.url() + "/o=x", second.url() + "/o=x"};
  auto created = Directory::create(loop, settings, log, Files());
  ASSERT_TRUE(created);
  directory = std::move(*created);
  EXPECT_TRUE(find("joe@x.org").starts_with("stub as joe@x.org"));
  EXPECT_EQ(second.searches(), 2);
  directory.reset();
}

TEST_F(HostedTest, SessionsMayGoWhileTheyWait) {
  StubServer server(StubServer::Manner::answers);
  for (int turns = 0; turns < 40; ++turns) {
    ASSERT_TRUE(open(server.url() + "/o=x"));
    std::list<Task<Route>> tasks;
    for (const char* name : {"joe@x.org", "joe@x.org", "jim@x.org", "joe@y.org"}) {
      tasks.push_back(directory->find_route(Query(name), nullptr));
      tasks.back().start();
    }
    for (int i = 0; i < turns; ++i) loop.run_turn();
    tasks.pop_front();
    for (int i = 0; i < turns; ++i) loop.run_turn();
    tasks.clear();
    directory.reset();
  }
}

}  // namespace
}  // namespace openmmp::directory
