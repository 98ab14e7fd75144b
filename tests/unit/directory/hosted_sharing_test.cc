// Hosted domains whose directory is shared, remembered, slow or gone.
#include <algorithm>
#include <list>

#include "tests/unit/directory/hosted_fixture.h"
#include "tests/unit/directory/stub_server.h"

namespace openmmp::directory {
namespace {

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
