// Passwords put to both kinds of directory, and what is remembered of them.
#include <fmt/format.h>

#include "tests/unit/directory/twin_fixture.h"

namespace openmmp::directory {
namespace {

std::string person(const std::string& uid, const std::string& domain, const std::string& more) {
  return fmt::format(
      "dn: uid={0},o={1},o=example\nobjectClass: inetOrgPerson\nobjectClass: extensibleObject\n"
      "uid: {0}\ncn: {0}\nsn: x\nmailHost: store1\n{2}\n",
      uid, domain, more);
}
std::string organization(const std::string& name) {
  return fmt::format(
      "dn: o={0},o=example\nobjectClass: organization\nobjectClass: extensibleObject\no: {0}\n"
      "sunPreferredDomain: {0}.com\nassociatedDomain: {0}.net\n\n",
      name);
}

std::string ldif() {
  return "dn: o=example\nobjectClass: organization\no: example\n\n" + organization("one") +
         organization("two") +
         person("joe", "one", "userPassword: joes-word\nuserPassword: joes-second\n") +
         person("joe", "two", "userPassword: other-word\n") +
         person("ann", "one", "userPassword: {SSHA}R+oE/hrWjBHmoY8ztNdYgon23+dzYWx0c2FsdA==\n") +
         person("bob", "one",
                "userPassword: {CRYPT}$6$abcdefgh$fVwviO9KGRaie/OimqyHDEaJwYbAnVZ8nB0Ip"
                "W7RhiPcVYG96dhAiQIkCJ8kkCK5ifxFpaapUYejCsAa3D4re0\n") +
         person("none", "one", "") + person("twin", "one", "userPassword: joes-word\n");
}

class CheckPasswordTest : public TwinTest {
 protected:
  static void SetUpTestSuite() { start_slapd(ldif()); }

  CheckPasswordTest() { never_logged = "-word"; }

  void open(const std::string& url) {
    const Result<> opened = TwinTest::open(url);
    ASSERT_TRUE(opened) << opened.error().detail;
  }

  // "right", "refused" or "unavailable".
  std::string check(const std::string& name, const std::string& password, Steps* steps = nullptr) {
    Task<> task = directory->check_password(Query(name), Secret::copy_of(password), steps);
    const Result<>& result = finish(task);
    if (result) return "right";
    last_detail = result.error().detail;
    EXPECT_EQ(last_detail.find(password.empty() ? "-word" : password), std::string::npos);
    return result.error().code == Errc::refused ? "refused" : "unavailable";
  }
  bool is_remembered(const std::string& name, const std::string& password) {
    Steps steps;
    check(name, password, &steps);
    return steps.back().value == "right, as remembered";
  }

  std::string last_detail;
};

TEST_F(CheckPasswordTest, BothDirectoriesAnswerAlike) {
  const struct {
    const char* name;
    const char* password;
    const char* answer;
  } cases[] = {
      {"joe@one.com", "joes-word", "right"},      {"JOE@One.com", "joes-word", "right"},
      {"joe@one.net", "joes-word", "right"},      {"joe@one.com", "joes-second", "right"},
      {"joe@one.com", "other-word", "refused"},   {"joe@one.com", "joes-wor", "refused"},
      {"joe@one.com", "Joes-word", "refused"},    {"joe@one.com", "", "refused"},
      {"joe@two.com", "other-word", "right"},     {"joe@two.com", "joes-word", "refused"},
      {"ann@one.com", "anns-word", "right"},      {"ann@one.com", "bobs-word", "refused"},
      {"bob@one.com", "bobs-word", "right"},      {"bob@one.com", "anns-word", "refused"},
      {"none@one.com", "a-word", "refused"},      {"none@one.com", "", "refused"},
      {"nobody@one.com", "joes-word", "refused"}, {"joe@nowhere.com", "joes-word", "refused"},
      {"*@one.com", "joes-word", "refused"},
  };
  for (const std::string& url : {ldap_url(), std::string("ldif:users.ldif")}) {
    open(url);
    // Once more with what is remembered.
    for (int round = 0; round < 2; ++round) {
      for (const auto& c : cases) {
        EXPECT_EQ(check(c.name, c.password), c.answer)
            << url << ": " << c.name << ", " << c.password << ": " << last_detail;
      }
    }
  }
}

TEST_F(CheckPasswordTest, WhatWasRightIsRemembered) {
  for (const std::string& url : {ldap_url(), std::string("ldif:users.ldif")}) {
    open(url);
    EXPECT_FALSE(is_remembered("joe@one.com", "joes-word"));
    EXPECT_TRUE(is_remembered("joe@one.com", "joes-word"));
    EXPECT_TRUE(is_remembered("joe@one.com", "joes-word"));
    // Neither another's with that password, nor his with another.
    EXPECT_FALSE(is_remembered("twin@one.com", "joes-word"));
    EXPECT_FALSE(is_remembered("joe@two.com", "joes-word"));
    EXPECT_EQ(check("joe@one.com", "other-word"), "refused");
    EXPECT_EQ(check("joe@one.com", "other-word"), "refused");
    EXPECT_TRUE(is_remembered("joe@one.com", "joes-word")) << "a guess must not push it out";
  }
}

TEST_F(CheckPasswordTest, ButNoLongerThanTheEntry) {
  settings.ldap_cache_size = 1;
  open(ldap_url());
  EXPECT_FALSE(is_remembered("joe@one.com", "joes-word"));
  EXPECT_TRUE(is_remembered("joe@one.com", "joes-word"));
  EXPECT_EQ(check("ann@one.com", "anns-word"), "right");
  EXPECT_FALSE(is_remembered("joe@one.com", "joes-word"));
  settings.ldap_cache_ttl = Seconds(0);
  open(ldap_url());
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(is_remembered("joe@one.com", "joes-word"));
}

TEST_F(CheckPasswordTest, OptionsLimitIt) {
  settings.auth_cache_size = 0;
  open("ldif:users.ldif");
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(is_remembered("joe@one.com", "joes-word"));
  settings.auth_cache_size = 10;
  settings.auth_cache_ttl = Seconds(0);
  open("ldif:users.ldif");
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(is_remembered("joe@one.com", "joes-word"));
}

TEST_F(CheckPasswordTest, AServerThatIsDownRefusesNobody) {
  Slapd server(free_port(), "o=example", ldif());
  server.start();
  open(server.url() + "/o=example");
  EXPECT_EQ(check("joe@one.com", "joes-word"), "right");
  EXPECT_EQ(check("ann@one.com", "wrong"), "refused");
  server.stop();
  EXPECT_EQ(check("joe@one.com", "joes-word"), "right");
  EXPECT_EQ(check("joe@one.com", "other-word"), "unavailable");
  EXPECT_EQ(check("ann@one.com", "anns-word"), "unavailable");
}

TEST_F(CheckPasswordTest, AValueThatCannotBeUsedRefusesNobody) {
  settings.password_attrs = {"description"};
  settings.hosted_domains = false;
  settings.ldap_url = {"ldif:users.ldif"};
  const struct {
    const char* values;
    const char* answer;
  } cases[] = {
      {"description: {NONSENSE}abc\n", "unavailable"},
      {"description: {NONSENSE}abc\ndescription: joes-word\n", "right"},
      {"description: {NONSENSE}abc\ndescription: other\n", "refused"},
      {"title: joes-word\n", "refused"},
  };
  for (const auto& c : cases) {
    const std::string text = std::string("dn: uid=joe,o=x\nuid: joe\nmailHost: a\n") + c.values;
    Files files;
    files.ldif = file_of(text);
    auto created = Directory::create(loop, settings, log, std::move(files));
    ASSERT_TRUE(created);
    directory = std::move(*created);
    EXPECT_EQ(check("joe", "joes-word"), c.answer) << c.values << last_detail;
  }
}

TEST_F(CheckPasswordTest, SessionsMayGoWhileTheyWait) {
  for (const std::string& url : {ldap_url(), std::string("ldif:users.ldif")}) {
    open(url);
    for (int turns = 0; turns < 40; ++turns) {
      Task<> joe = directory->check_password(Query("joe@one.com"), Secret("joes-word"), nullptr);
      Task<> bob = directory->check_password(Query("bob@one.com"), Secret("bobs-word"), nullptr);
      joe.start();
      bob.start();
      for (int i = 0; i < turns; ++i) loop.run_turn();
    }
    EXPECT_EQ(check("bob@one.com", "bobs-word"), "right");
  }
}

}  // namespace
}  // namespace openmmp::directory
