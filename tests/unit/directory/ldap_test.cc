// The same entries in a real slapd and in an embedded directory, asked the same questions.
#include <fcntl.h>
#include <fmt/format.h>

#include "tests/unit/directory/twin_fixture.h"

namespace openmmp::directory {
namespace {

const char* const site =
    "dn: o=example\nobjectClass: organization\no: example\n\n"
    "dn: ou=people,o=example\nobjectClass: organizationalUnit\nou: people\n\n"
    "dn: ou=others,o=example\nobjectClass: organizationalUnit\nou: others\n\n";

// `uid` with the blank or ": " of its line before it.
std::string person(int number, const char* ou, const char* uid, const char* more) {
  return fmt::format(
      "dn: cn={0},ou={1},o=example\nobjectClass: inetOrgPerson\n"
      "objectClass: mailUser\ncn: {0}\nsn: x\nuid:{2}\n{3}\n",
      number, ou, uid, more);
}

std::string ldif() {
  return site + person(1, "people", " joe", "mailHost: store1\nmail: j@x.org\n") +
         person(2, "people", " Jim", "mailHost: store1:1143\nmailHost: store2\n") +
         person(3, "others", " jane", "mailHost: store3 [::1]:993\n") +
         person(4, "people", " twin", "mailHost: store1\n") +
         person(5, "others", " twin", "mailHost: store2\n") +
         person(6, "people", " Mary  Ann", "mailHost: store1\n") +
         person(7, "people", " a*b(c)\\d", "mailHost: store1\n") +
         person(8, "people", ": w6ltaWxl", "mailHost: store1\n") +  // \xC3\xA9mile
         person(9, "people", " joe@x.org", "mailHost: store4\n") +
         person(10, "people", " homeless", "") +
         person(11, "people", " first\nuid: second", "mailHost: store1\n");
}

class LdapTest : public TwinTest {
 protected:
  static void SetUpTestSuite() { start_slapd(ldif()); }

  std::unique_ptr<Directory> open(const std::string& url, config::Settings of_test) {
    settings = std::move(of_test);
    settings.hosted_domains = false;
    const Result<> opened = TwinTest::open(url);
    EXPECT_TRUE(opened) << opened.error().detail;
    return std::move(directory);
  }

  std::string find(Directory& asked, const std::string& name) {
    Task<Route> task = asked.find_route(Query(name, "192.0.2.1", "192.0.2.2"), nullptr);
    const Result<Route>& route = finish(task);
    if (!route) return text_of(route.error());
    std::string hosts;
    for (const HostPort& host : route->hosts) hosts += host.to_string() + " ";
    return fmt::format("{}as {} ({})", hosts, route->replay_name, route->user);
  }
};

TEST_F(LdapTest, BothDirectoriesAnswerAlike) {
  const char* const all = "o=example";
  const char* const people = "ou=people,o=example";
  const struct {
    const char* base;
    const char* search_format;
    std::string name;
    const char* route;
  } cases[] = {
      {all, "(uid=%s)", "joe", "store1 as joe (joe)"},
      {all, "(uid=%s)", "JOE", "store1 as JOE (JOE)"},
      {all, "(uid=%s)", " joe ", "store1 as  joe  ( joe )"},
      {all, "(uid=%s)", "jim", "store1:1143 store2 as jim (jim)"},
      {all, "(uid=%s)", "jane", "store3 [::1]:993 as jane (jane)"},
      {people, "(uid=%s)", "jane", "refused: no entry matches (uid=jane)"},
      {people, "(uid=%s)", "twin", "store1 as twin (twin)"},
      {all, "(uid=%s)", "twin", "refused: more than one entry matches (uid=twin)"},
      {"OU=People, O=Example", "(uid=%s)", "joe", "store1 as joe (joe)"},
      {"cn=1,ou=people,o=example", "(uid=%s)", "joe", "store1 as joe (joe)"},
      {all, "(uid=%s)", "nobody", "refused: no entry matches (uid=nobody)"},
      {all, "(uid=%s)", "mary ann", "store1 as mary ann (mary ann)"},
      {all, "(uid=%s)", "MARY    ANN", "store1 as MARY    ANN (MARY    ANN)"},
      {all, "(uid=%s)", "maryann", "refused: no entry matches (uid=maryann)"},
      {all, "(uid=%s)", "a*b(c)\\d", "store1 as a*b(c)\\d (a*b(c)\\d)"},
      {all, "(uid=%s)", "*", "refused: no entry matches (uid=\\2a)"},
      {all, "(uid=%s)", "jo*", "refused: no entry matches (uid=jo\\2a)"},
      {all, "(uid=%s)", "x)(uid=*", "refused: no entry matches (uid=x\\29\\28uid=\\2a)"},
      {all, "(uid=%s)", "\\6aoe", "refused: no entry matches (uid=\\5c6aoe)"},
      {all, "(uid=%s)", "\xC3\xA9mile", "store1 as \xC3\xA9mile (\xC3\xA9mile)"},
      {all, "(uid=%s)", "\xC3\x89MILE", "store1 as \xC3\x89MILE (\xC3\x89MILE)"},
      {all, "(uid=%s)", "emile", "refused: no entry matches (uid=emile)"},
      {all, "(uid=%s)", std::string("joe\0", 4),
       "refused: the login name has a control character in it"},
      {all, "(uid=%s)", "jo\xFF", "refused: the login name is not well-formed UTF-8"},
      {all, "(uid=%s)", "second", "store1 as second (second)"},
      {all, "(uid=%s)", "homeless",
       "unavailable: entry 'cn=10,ou=people,o=example' has no mailHost"},
      {all, "(uid=%s)", "joe@X.org", "store4 as joe@x.org (joe@x.org)"},
      {all, "(uid=%U)", "joe@X.org", "store1 as joe@x.org (joe@x.org)"},
      {all, "(mail=%U@%V)", "j@X.org", "store1 as j@x.org (j@x.org)"},
      {all, "(mail=%U@%V)", "j", "store1 as j (j)"},
      {all, "(mail=%U@%V)", "joe", "refused: no entry matches (mail=joe@*)"},
      {all, "(&(objectClass=inetOrgPerson)(uid=%s))", "joe", "store1 as joe (joe)"},
      {all, "(&(uid=%s)(!(mailHost=store2)))", "twin", "store1 as twin (twin)"},
      {all, "(|(uid=%s)(mail=%s))", "j@x.org", "store1 as j@x.org (j@x.org)"},
      {all, "(&(uid=%s*)(mailHost=*1))", "fi", "store1 as fi (fi)"},
      {all, "(uid=*%s)", "cond", "store1 as cond (cond)"},
      {all, "(uid=m*y %s)", "ann", "store1 as ann (ann)"},
      {all, "(uid=m*y%s)", "ann", "refused: no entry matches (uid=m*yann)"},
  };
  for (const auto& c : cases) {
    config::Settings options;
    options.search_format = c.search_format;
    std::string base;
    for (const char* i = c.base; *i != '\0'; ++i) base += *i == ' ' ? "%20" : std::string(1, *i);
    const auto embedded = open("ldif:users.ldif?" + base, std::move(options));
    config::Settings same;
    same.search_format = c.search_format;
    const auto ldap = open(slapd->url() + "/" + base, std::move(same));
    EXPECT_EQ(find(*embedded, c.name), c.route) << "embedded " << c.search_format;
    EXPECT_EQ(find(*ldap, c.name), c.route) << "LDAP " << c.search_format;
  }
}

TEST_F(LdapTest, BindsWithNameAndPassword) {
  config::Settings right;
  right.bind_dn = "cn=admin,o=example";
  right.bind_pass = Secret::copy_of("secret");
  EXPECT_EQ(find(*open(ldap_url(), std::move(right)), "joe"), "store1 as joe (joe)");
  config::Settings wrong;
  wrong.bind_dn = "cn=admin,o=example";
  wrong.bind_pass = Secret::copy_of("wrong");
  EXPECT_EQ(find(*open(ldap_url(), std::move(wrong)), "joe"),
            fmt::format("unavailable: no directory server can be reached: {}: bind: Invalid "
                        "credentials",
                        slapd->url()));
}

TEST_F(LdapTest, ABaseThatIsNotThereIsNotTheUsersFault) {
  EXPECT_EQ(find(*open(slapd->url() + "/o=nowhere", config::Settings()), "joe"),
            fmt::format("unavailable: {}: search: No such object", slapd->url()));
}

TEST_F(LdapTest, TlsIsVerified) {
  const struct {
    bool ldaps;
    bool start_tls;
    bool ca_file;
    bool verify;
    bool good;
  } cases[] = {
      {true, false, true, true, true},   {true, false, false, true, false},
      {true, false, false, false, true}, {false, true, true, true, true},
      {false, true, false, true, false}, {false, true, false, false, true},
  };
  for (const auto& c : cases) {
    config::Settings options;
    options.ldap_start_tls = c.start_tls;
    options.ldap_verify = c.verify;
    if (c.ca_file) options.ldap_ca_file = slapd->certificate_file();
    const std::string url = c.ldaps ? slapd->tls_url() : slapd->url();
    const std::string answer = find(*open(url + "/o=example", std::move(options)), "joe");
    EXPECT_EQ(answer == "store1 as joe (joe)", c.good) << url << ": " << answer;
    EXPECT_EQ(answer.starts_with("unavailable: "), !c.good) << url << ": " << answer;
  }
}

TEST_F(LdapTest, TheCaFileMayComeAsADescriptor) {
  settings.ldap_url = {slapd->tls_url() + "/o=example"};
  settings.hosted_domains = false;
  settings.ldap_ca_file = "/not/for/an/unprivileged/worker";
  Files files;
  files.ca_file = UniqueFd(::open(slapd->certificate_file().c_str(), O_RDONLY | O_CLOEXEC));
  const auto made = Directory::create(loop, settings, log, std::move(files));
  EXPECT_EQ(find(**made, "joe"), "store1 as joe (joe)");
}

TEST_F(LdapTest, TheSecondServerTakesOverAndTheFirstComesBack) {
  Slapd first(free_port(), "o=example", ldif());
  first.start();
  LdapPoolOptions options;
  options.access.servers = {first.url(), slapd->url()};
  options.refresh = Millis(1);  // all connections are old
  options.retry_pause = Millis(0);
  LdapPool pool(loop, std::move(options), log);
  const auto who_answers = [&] {
    Task<SearchAnswer> task = pool.search(SearchRequest("o=example", "(uid=joe)", {"mailHost"}));
    finish(task);
    return task.result() ? task.result()->source : task.result().error().detail;
  };
  EXPECT_EQ(who_answers(), first.url());
  first.stop();
  EXPECT_EQ(who_answers(), slapd->url());
  first.start();
  while (who_answers() != first.url()) loop.run_turn();
}

TEST_F(LdapTest, AnIdleConnectionThatEndsIsReplaced) {
  Slapd server(free_port(), "o=example", ldif());
  server.start();
  const auto made = open(server.url() + "/o=example", config::Settings());
  EXPECT_EQ(find(*made, "joe"), "store1 as joe (joe)");
  server.stop();
  server.start();
  EXPECT_EQ(find(*made, "jim"), "store1:1143 store2 as jim (jim)");
}

}  // namespace
}  // namespace openmmp::directory
