// Passwords put to both kinds of directory, and what is remembered of them.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <csignal>

#include "tests/unit/directory/slapd.h"
#include "tests/unit/directory/stub_server.h"
#include "workers/directory/directory.h"

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

class CheckPasswordTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::signal(SIGPIPE, SIG_IGN);
    slapd = std::make_unique<Slapd>(free_port(), "o=example", ldif());
    slapd->start();
  }
  static void TearDownTestSuite() { slapd.reset(); }

  CheckPasswordTest() {
    log.set_level(7);
    log.set_file(UniqueFd(fcntl(log_file.get(), F_DUPFD_CLOEXEC, 0)));
  }
  ~CheckPasswordTest() override {
    log.flush();
    std::string text(65536, '\0');
    const ssize_t size = ::pread(log_file.get(), text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    EXPECT_EQ(text.find("-word"), std::string::npos) << text;
  }

  void open(const std::string& url) {
    settings.ldap_url = {url};
    Files files;
    files.ldif = UniqueFd(memfd_create("file", MFD_CLOEXEC));
    const std::string text = ldif();
    EXPECT_EQ(::write(files.ldif.get(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
    auto result = Directory::create(loop, settings, log, std::move(files));
    ASSERT_TRUE(result) << result.error().detail;
    directory = std::move(*result);
  }

  // "right", "refused" or "unavailable".
  std::string check(const std::string& name, const std::string& password, Steps* steps = nullptr) {
    Task<> task = directory->check_password(Query(name), Secret::copy_of(password), steps);
    task.start([](void* self) { static_cast<CheckPasswordTest*>(self)->loop.stop(); }, this);
    while (!task.finished()) loop.run();
    if (task.result()) return "right";
    last_detail = task.result().error().detail;
    EXPECT_EQ(last_detail.find(password.empty() ? "-word" : password), std::string::npos);
    return task.result().error().code == Errc::refused ? "refused" : "unavailable";
  }
  bool is_remembered(const std::string& name, const std::string& password) {
    Steps steps;
    check(name, password, &steps);
    return steps.back().value == "right, as remembered";
  }

  static std::unique_ptr<Slapd> slapd;
  Loop loop;
  UniqueFd log_file = UniqueFd(memfd_create("log", MFD_CLOEXEC));
  Log log{"Test"};
  config::Settings settings;
  std::unique_ptr<Directory> directory;
  std::string last_detail;
};
std::unique_ptr<Slapd> CheckPasswordTest::slapd;

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
  for (const std::string& url : {slapd->url() + "/o=example", std::string("ldif:users.ldif")}) {
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
  for (const std::string& url : {slapd->url() + "/o=example", std::string("ldif:users.ldif")}) {
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
  open(slapd->url() + "/o=example");
  EXPECT_FALSE(is_remembered("joe@one.com", "joes-word"));
  EXPECT_TRUE(is_remembered("joe@one.com", "joes-word"));
  EXPECT_EQ(check("ann@one.com", "anns-word"), "right");
  EXPECT_FALSE(is_remembered("joe@one.com", "joes-word"));
  settings.ldap_cache_ttl = Seconds(0);
  open(slapd->url() + "/o=example");
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
    files.ldif = UniqueFd(memfd_create("file", MFD_CLOEXEC));
    ASSERT_EQ(::write(files.ldif.get(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
    auto created = Directory::create(loop, settings, log, std::move(files));
    ASSERT_TRUE(created);
    directory = std::move(*created);
    EXPECT_EQ(check("joe", "joes-word"), c.answer) << c.values << last_detail;
  }
}

TEST_F(CheckPasswordTest, SessionsMayGoWhileTheyWait) {
  for (const std::string& url : {slapd->url() + "/o=example", std::string("ldif:users.ldif")}) {
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
