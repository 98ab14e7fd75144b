// Passwords and groups: the same entries in a real slapd and in an embedded directory, asked the
// same questions.
#include <fmt/format.h>

#include "tests/unit/directory/login_fixture.h"
#include "tests/unit/directory/stub_server.h"

namespace openmmp::directory {
namespace {

TEST_F(LoginTest, Passwords) {
  const struct {
    const char* name;
    const char* passwords;
  } cases[] = {
      {"joe", "joes-first-secret {SCRAM-SHA-256}joes-second-secret"},
      {"JOE", "joes-first-secret {SCRAM-SHA-256}joes-second-secret"},
      {"homeless", "homeless-secret"},
      {"jim", ""},
      {"twin", "refused: more than one entry matches (uid=twin)"},
      {"nobody", "refused: no entry matches (uid=nobody)"},
      {"*", "refused: no entry matches (uid=\\2a)"},
      {"joe)(uid=*", "refused: no entry matches (uid=joe\\29\\28uid=\\2a)"},
      {"", "refused: the login name is empty"},
  };
  for (const std::string& url : {ldap_url(), std::string(ldif_url)}) {
    ASSERT_TRUE(open(url));
    for (const auto& c : cases) EXPECT_EQ(passwords(c.name), c.passwords) << url << " " << c.name;
  }
}

TEST_F(LoginTest, PasswordAttributesAreThoseOfTheOption) {
  settings.password_attrs = {"description", "mail", "telephoneNumber"};
  for (const std::string& url : {ldap_url(), std::string(ldif_url)}) {
    ASSERT_TRUE(open(url));
    EXPECT_EQ(passwords("joe"), "cn=Joe,o=Elsewhere joe@x.org") << url;
  }
  settings.password_attrs = {};
  for (const std::string& url : {ldap_url(), std::string(ldif_url)}) {
    ASSERT_TRUE(open(url));
    EXPECT_EQ(passwords("joe"), "") << url;
  }
}

TEST_F(LoginTest, PasswordsAreFetchedEachTime) {
  Slapd server(free_port(), "o=example", ldif());
  server.start();
  ASSERT_TRUE(open(server.url() + "/o=example"));
  EXPECT_EQ(passwords("homeless"), "homeless-secret");
  Steps steps;
  Task<Route> task = directory->find_route(Query("homeless"), &steps);
  EXPECT_FALSE(finish(task));
  for (const Step& step : steps) {
    EXPECT_NE(step.value, "cache") << "an entry without its stores must not be taken for the user";
    EXPECT_EQ(step.value.find("secret"), std::string::npos) << step.what;
  }
  server.stop();
  EXPECT_EQ(passwords("homeless").substr(0, 13), "unavailable: ");
}

TEST_F(LoginTest, Members) {
  const struct {
    const char* name;
    config::Words groups;
    const char* answer;
  } cases[] = {
      {"joe", {"cn=admins,o=example"}, "member"},
      {"JOE", {"CN=Admins, O=Example"}, "member"},
      {"jim", {"cn=admins,o=example"}, "stranger"},
      {"jim", {"cn=admins,o=example", "cn=helpers,o=example"}, "member"},
      {"joe", {"cn=helpers,o=example"}, "stranger"},
      {"joe", {"CN=vanished,o=example"}, "member"},  // by memberOf
      {"jim", {"cn=vanished,o=example"}, "stranger"},
      {"joe", {"o=example"}, "stranger"},  // a base, but nobody's group
      {"joe", {}, "stranger"},
      {"twin", {"cn=admins,o=example"}, "refused: more than one entry matches (uid=twin)"},
      {"nobody", {"cn=admins,o=example"}, "refused: no entry matches (uid=nobody)"},
      {"*", {"cn=admins,o=example"}, "refused: no entry matches (uid=\\2a)"},
      {"joe", {"admins"}, "unavailable: DN 'admins': '=' is missing (at character 7)"},
  };
  for (const std::string& url : {ldap_url(), std::string(ldif_url)}) {
    ASSERT_TRUE(open(url));
    for (const auto& c : cases) EXPECT_EQ(membership(c.name, c.groups), c.answer) << c.name;
  }
}

TEST_F(LoginTest, TheDnIsThereWhenWanted) {
  for (const std::string& url : {ldap_url(), std::string(ldif_url)}) {
    ASSERT_TRUE(open(url));
    EXPECT_EQ(route("joe", false)->dn, "");
    const Result<Route> joe = route("joe");  // from the cache
    const Result<Route> same = route("JOE");
    const Result<Route> jim = route("jim");
    ASSERT_TRUE(joe && same && jim);
    EXPECT_EQ(joe->dn, "cn=joe,ou=people,o=example");
    EXPECT_TRUE(is_same_entry(*joe, *same));
    EXPECT_FALSE(is_same_entry(*joe, *jim));
    EXPECT_FALSE(is_same_entry(Route(), Route())) << "unknown is not the same";
  }
}

TEST_F(LoginTest, ADirectoryThatIsDownIsNobodysFault) {
  certmap = "certmap default default\ndefault:DNComps\ndefault:FilterComps cn\n";
  StubServer busy(StubServer::Manner::refuses);
  StubServer dying(StubServer::Manner::dies_on_search);
  const std::string nobody = fmt::format("ldap://127.0.0.1:{}", free_port());
  for (const std::string& url : {busy.url(), dying.url(), nobody}) {
    ASSERT_TRUE(open(url + "/o=example"));
    EXPECT_EQ(passwords("joe").substr(0, 13), "unavailable: ") << url;
    EXPECT_EQ(membership("joe", {"o=x"}).substr(0, 13), "unavailable: ") << url;
    EXPECT_EQ(text_of(by_certificate("CN=joe")).substr(0, 13), "unavailable: ") << url;
  }
}

// Whoever is not here is nobody here; the other server is not asked.
TEST_F(LoginTest, APartOfTheTreeIsOnAnotherServer) {
  const StubServer elsewhere(StubServer::Manner::answers);
  Slapd server(free_port(), "o=example",
               ldif() +
                   "\ndn: ou=away,o=example\nobjectClass: referral\n"
                   "objectClass: extensibleObject\nou: away\nref: " +
                   elsewhere.url() + "/o=x\n");
  server.start();
  certmap = "certmap default default\ndefault:DNComps\ndefault:FilterComps cn\n";
  ASSERT_TRUE(open(server.url() + "/o=example"));
  EXPECT_EQ(passwords("homeless"), "homeless-secret");
  EXPECT_EQ(membership("joe", {"cn=admins,o=example"}), "member");
  EXPECT_TRUE(by_certificate("CN=joe"));
  const std::string nobody = "refused: no entry matches";
  EXPECT_TRUE(passwords("nobody").starts_with(nobody)) << passwords("nobody");
  EXPECT_TRUE(membership("nobody", {"cn=admins,o=example"}).starts_with(nobody));
  EXPECT_TRUE(text_of(by_certificate("CN=nobody")).starts_with(nobody));
  EXPECT_EQ(elsewhere.connections(), 0) << "a referral must not be followed";
}

TEST_F(LoginTest, SessionsMayGoWhileTheyWait) {
  certmap = "certmap default default\ndefault:DNComps\ndefault:FilterComps cn\n";
  StubServer server(StubServer::Manner::answers);
  ASSERT_TRUE(open(server.url() + "/o=example"));
  const config::Words groups = {"cn=admins,o=example", "cn=helpers,o=example"};
  passwords("joe");  // so that there is a connection
  for (int turns = 0; turns < 40; ++turns) {
    auto password = directory->find_passwords(Query("joe"));
    auto owner = directory->find_by_certificate(CertificateQuery("CN=a", "CN=b", "der"), nullptr);
    auto member = directory->is_member(Query("joe"), groups);
    password.start();
    owner.start();
    member.start();
    for (int i = 0; i < turns; ++i) loop.run_turn();
  }
  EXPECT_EQ(membership("joe", groups), "stranger");
}

}  // namespace
}  // namespace openmmp::directory
