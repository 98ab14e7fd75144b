// Look-ups from the name as typed to the route, in an embedded directory.
#include "workers/directory/directory.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>

namespace openmmp::directory {
namespace {

UniqueFd file_of(const std::string& text) {
  UniqueFd fd(memfd_create("ldif", MFD_CLOEXEC));
  EXPECT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return fd;
}

const char* const people =
    "dn: uid=joe,o=x\nuid: joe\nmailHost: store1\nmail: joe@x.org\n\n"
    "dn: uid=jim,o=x\nuid: jim\nmailHost: store1:1143 store2\nmailHost: [::1]:993\n\n"
    "dn: uid=old,o=x\nuid: old\nbackupHost: store9\n\n"
    "dn: uid=none,o=x\nuid: none\n\n"
    "dn: uid=blank,o=x\nuid: blank\nmailHost:: IA==\n\n"
    "dn: uid=bad,o=x\nuid: bad\nmailHost: store1:x\n\n"
    "dn: uid=twin,ou=a,o=x\nuid: twin\nmailHost: store1\n\n"
    "dn: uid=twin,ou=b,o=x\nuid: twin\nmailHost: store1\n";

class DirectoryTest : public testing::Test {
 protected:
  Result<> open() {
    settings.ldap_url = {"ldif:users.ldif"};
    settings.hosted_domains = false;
    Files files;
    files.ldif = file_of(ldif);
    Result<std::unique_ptr<Directory>> result =
        Directory::create(loop, settings, log, std::move(files));
    if (!result) return fail(result.error());
    directory = std::move(*result);
    return {};
  }

  // "hosts as replay (user)", or the error.
  std::string find(const std::string& name, Steps* steps = nullptr) {
    Task<Route> task = directory->find_route(Query(name, "192.0.2.1", "192.0.2.2"), steps);
    task.start();
    EXPECT_TRUE(task.finished()) << "an embedded directory never waits";
    const Result<Route>& route = task.result();
    if (!route) {
      const bool refused = route.error().code == Errc::refused;
      EXPECT_TRUE(refused || route.error().code == Errc::unavailable);
      return fmt::format("{}: {}", refused ? "refused" : "unavailable", route.error().detail);
    }
    std::string hosts;
    for (const HostPort& host : route->hosts) hosts += host.to_string() + " ";
    return fmt::format("{}as {} ({})", hosts, route->replay_name, route->user);
  }

  Loop loop;
  Log log{"Test"};
  config::Settings settings;
  std::string ldif = people;
  std::unique_ptr<Directory> directory;
};

TEST_F(DirectoryTest, RemembersWhatItFound) {
  ASSERT_TRUE(open());
  const std::string first = find("joe");
  Steps steps;
  EXPECT_EQ(find("joe", &steps), first);
  const auto source = std::find_if(steps.begin(), steps.end(),
                                   [](const Step& step) { return step.what == "answer from"; });
  ASSERT_NE(source, steps.end());
  EXPECT_EQ(source->value, "cache");
}

TEST_F(DirectoryTest, Routes) {
  const struct {
    const char* typed;
    const char* route;
  } cases[] = {
      {"joe", "store1 as joe (joe)"},
      {"JOE", "store1 as JOE (JOE)"},
      {"jim", "store1:1143 store2 [::1]:993 as jim (jim)"},
      {"nobody", "refused: no entry matches (uid=nobody)"},
      {"twin", "refused: more than one entry matches (uid=twin)"},
      {"joe@x.org", "refused: no entry matches (uid=joe@x.org)"},
      {"*", "refused: no entry matches (uid=\\2a)"},
      {"j*", "refused: no entry matches (uid=j\\2a)"},
      {"", "refused: the login name is empty"},
      {"joe\r\n", "refused: the login name has a control character in it"},
      {"none", "unavailable: entry 'uid=none,o=x' has no mailHost"},
      {"blank", "unavailable: entry 'uid=blank,o=x' has no mailHost"},
      {"bad", "unavailable: entry 'uid=bad,o=x': mailHost: 'x' is not a port (1 to 65535)"},
  };
  ASSERT_TRUE(open());
  for (const auto& c : cases) EXPECT_EQ(find(c.typed), c.route) << c.typed;
}

TEST_F(DirectoryTest, OptionsShapeTheRoute) {
  settings.search_format = "(uid=%U)";
  settings.replay_format = "%A[mail]";
  settings.mail_host_attrs = {"mailHost", "backupHost"};
  ASSERT_TRUE(open());
  EXPECT_EQ(find("joe@somewhere"), "store1 as joe@x.org (joe@somewhere)");
  EXPECT_EQ(find("old"), "unavailable: entry 'uid=old,o=x' has no mail, which ReplayFormat needs");
  EXPECT_EQ(find("none"), "unavailable: entry 'uid=none,o=x' has no mailHost or backupHost");
}

TEST_F(DirectoryTest, StepsTellHowItCame) {
  settings.default_domain = "x.org";
  settings.search_format = "(mail=%s)";
  ASSERT_TRUE(open());
  Steps steps;
  find("joe", &steps);
  std::string text;
  for (const Step& step : steps) text += step.what + ": " + step.value + "\n";
  EXPECT_EQ(text,
            "name as typed: joe\nuser: joe\ndomain: x.org\nbase: \n"
            "filter: (mail=joe@x.org)\nanswer from: users.ldif\nentry: uid=joe,o=x\n"
            "canonical name: joe@x.org\nstatus: active\nmailHost: store1\nreplay name: joe\n");
  steps.clear();
  find("nobody", &steps);
  EXPECT_EQ(steps.back().what, "failure");
  EXPECT_EQ(steps.back().value, "no entry matches (mail=nobody@x.org)");
}

TEST_F(DirectoryTest, MistakesNameTheOption) {
  ldif = "dn: o=x\nnonsense\n";
  EXPECT_EQ(open().error().detail, "users.ldif: line 2: 'attribute: value' expected");
  ldif = people;
  settings.search_format = "(uid=%x)";
  EXPECT_EQ(open().error().detail.substr(0, 14), "SearchFormat: ");
  settings.search_format = "(uid=%s)";
  settings.replay_format = "%x";
  EXPECT_EQ(open().error().detail.substr(0, 14), "ReplayFormat: ");
}

TEST_F(DirectoryTest, TheBaseMustBeThere) {
  for (const char* url : {"ldif:users.ldif?ou=b,o=x", "ldif:users.ldif?o=y"}) {
    settings.ldap_url = {url};
    settings.hosted_domains = false;
    Files files;
    files.ldif = file_of(people);
    auto result = Directory::create(loop, settings, log, std::move(files));
    if (std::string(url).ends_with("y")) {
      EXPECT_EQ(result.error().detail, "LdapUrl: users.ldif has no entry below 'o=y'");
    } else {
      ASSERT_TRUE(result);
      directory = std::move(*result);
      EXPECT_EQ(find("twin"), "store1 as twin (twin)");
    }
  }
}

TEST_F(DirectoryTest, AMissingFileIsAMistake) {
  settings.ldap_url = {"ldif:users.ldif"};
  const auto result = Directory::create(loop, settings, log, Files());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().detail, "users.ldif: cannot be read: Bad file descriptor");
}

}  // namespace
}  // namespace openmmp::directory
