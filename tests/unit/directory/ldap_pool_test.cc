// The LDAP directory in front of servers that behave badly.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <list>

#include "tests/unit/directory/slapd.h"
#include "tests/unit/directory/stub_server.h"
#include "workers/directory/users.h"

namespace openmmp::directory {
namespace {

using Manner = StubServer::Manner;
using namespace std::chrono_literals;

class LdapPoolTest : public testing::Test {
 protected:
  LdapPoolTest() {
    std::signal(SIGPIPE, SIG_IGN);
    log.set_level(0);
    options.access.timeout = 60s;
    options.retry_pause = 0ms;
  }
  ~LdapPoolTest() override {
    tasks.clear();
    close();
  }

  void open(std::vector<std::string> servers) {
    options.access.servers = std::move(servers);
    source.emplace(loop, std::move(options), UniqueFd(), log);
    users.emplace(loop, *source, 10, 1000s);
  }
  void close() {
    users.reset();
    source.reset();
  }

  Task<Found>& start(const std::string& filter = "(uid=joe)") {
    ++pending;
    tasks.push_back(users->fetch(filter, SearchRequest("o=x", filter, {"mailHost"})));
    tasks.back().start(
        [](void* self) {
          auto* test = static_cast<LdapPoolTest*>(self);
          if (--test->pending == 0) test->loop.stop();
        },
        this);
    return tasks.back();
  }
  // Runs until every task that was started has ended.
  void run() {
    while (pending > 0) loop.run();
  }
  static std::string text_of(Task<Found>& task) {
    const Result<Found>& found = task.result();
    if (found) return found->entry.dn() + " from " + found->source;
    const Errc code = found.error().code;
    return (code == Errc::refused       ? "refused: "
            : code == Errc::unavailable ? "unavailable: "
                                        : "other: ") +
           found.error().detail;
  }
  std::string find(const std::string& filter = "(uid=joe)") {
    Task<Found>& task = start(filter);
    run();
    return text_of(task);
  }
  // Turns the loop until the condition is true.
  template <class Condition>
  void turn_until(Condition condition) {
    while (!condition()) loop.run_turn();
  }

  Loop loop;
  Log log{"Test"};
  LdapPoolOptions options;
  std::optional<Source> source;
  std::optional<Users> users;
  std::list<Task<Found>> tasks;
  int pending = 0;
};

TEST_F(LdapPoolTest, AnswersAndFillsTheCache) {
  StubServer server(Manner::answers);
  open({server.url()});
  EXPECT_EQ(find(), "uid=joe,o=x from " + server.url());
  const Entry* cached = users->cached("(uid=joe)");
  ASSERT_NE(cached, nullptr);
  EXPECT_EQ(cached->dn(), "uid=joe,o=x");
}

// With thousands of sessions the directory's descriptor is a large number: no select(2), please.
TEST_F(LdapPoolTest, WorksBesideManyDescriptors) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4096);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  StubServer server(Manner::answers);
  std::vector<UniqueFd> sessions;
  for (int i = 0; i < 2000; ++i) sessions.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  open({server.url()});
  EXPECT_EQ(find(), "uid=joe,o=x from " + server.url());
}

TEST_F(LdapPoolTest, NobodyListens) {
  const std::string url = fmt::format("ldap://127.0.0.1:{}", free_port());
  open({url});
  EXPECT_EQ(find(), "unavailable: no directory server can be reached: " + url +
                        ": connect: Can't contact LDAP server");
}

TEST_F(LdapPoolTest, WhileItIsDownLookUpsFailAtOnce) {
  options.retry_pause = 1000s;
  open({fmt::format("ldap://127.0.0.1:{}", free_port())});
  find();
  // The error takes three turns to pass from the pool to the look-up to who asked; an attempt
  // would take longer.
  Task<Found>& task = start("(uid=jim)");
  for (int i = 0; i < 3; ++i) loop.run_turn();
  ASSERT_TRUE(task.finished());
  EXPECT_EQ(text_of(task).substr(0, 13), "unavailable: ");
}

TEST_F(LdapPoolTest, AServerThatTakesTheConnectionAndSaysNothing) {
  StubServer server(Manner::mute);
  options.access.timeout = 1s;
  open({server.url()});
  EXPECT_EQ(find().substr(0, 12), "unavailable:");
}

TEST_F(LdapPoolTest, AMuteServerIsPassedOverInTimeForWhoWaits) {
  StubServer mute(Manner::mute);
  StubServer second(Manner::answers);
  options.access.timeout = 3s;
  open({mute.url(), second.url()});
  EXPECT_EQ(find(), "uid=joe,o=x from " + second.url());
}

TEST_F(LdapPoolTest, ASearchWithoutAnAnswerTimesOut) {
  StubServer server(Manner::mute_on_search);
  options.access.timeout = 1s;
  open({server.url()});
  EXPECT_EQ(find(), "unavailable: " + server.url() + ": no answer within 1 s");
  // The silent connection is not used again.
  EXPECT_EQ(find(), "unavailable: " + server.url() + ": no answer within 1 s");
  turn_until([&] { return server.connections() == 2; });
}

TEST_F(LdapPoolTest, HalfAnAnswerDoesNotBlockTheLoop) {
  StubServer server(Manner::half_answer);
  options.access.timeout = 1s;
  open({server.url()});
  EXPECT_EQ(find(), "unavailable: " + server.url() + ": no answer within 1 s");
}

TEST_F(LdapPoolTest, ASearchIsSentOnceMoreWhenItsConnectionDies) {
  StubServer server(Manner::dies_once);
  open({server.url()});
  EXPECT_EQ(find(), "uid=joe,o=x from " + server.url());
  EXPECT_EQ(server.searches(), 2);
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(LdapPoolTest, ButNotForEver) {
  StubServer server(Manner::dies_on_search);
  open({server.url()});
  EXPECT_EQ(find().substr(0, 12), "unavailable:");
  EXPECT_EQ(server.searches(), 2);
}

TEST_F(LdapPoolTest, GarbageEndsTheConnection) {
  StubServer server(Manner::garbage);
  options.access.timeout = 2s;
  open({server.url()});
  EXPECT_EQ(find().substr(0, 12), "unavailable:");
}

TEST_F(LdapPoolTest, WhatTheServerSaysIsPassedOn) {
  StubServer busy(Manner::refuses);
  open({busy.url()});
  EXPECT_EQ(find(), "unavailable: " + busy.url() + ": search: Server is busy");
}

TEST_F(LdapPoolTest, StartTlsIsNotDoneWithout) {
  StubServer server(Manner::answers);  // which knows no StartTLS
  options.access.start_tls = true;
  open({server.url()});
  EXPECT_EQ(find().substr(0, 12), "unavailable:");
  EXPECT_EQ(server.binds(), 0) << "the password must not be sent in the clear";
}

TEST_F(LdapPoolTest, TwoEntriesAreRefused) {
  StubServer server(Manner::two_entries);
  open({server.url()});
  EXPECT_EQ(find(), "refused: more than one entry matches (uid=joe)");
}

// Active Directory sends them with every search from a domain's root, and a name that nobody has
// must not be told from a wrong password.
TEST_F(LdapPoolTest, ReferencesAloneFindNobody) {
  StubServer server(Manner::refers);
  open({server.url()});
  EXPECT_EQ(find(), "refused: no entry matches (uid=joe)");
}

TEST_F(LdapPoolTest, ReferencesBesideAnEntryAreIgnored) {
  StubServer server(Manner::answers_in_part);
  open({server.url()});
  EXPECT_EQ(find(), "uid=joe,o=x from " + server.url());
}

TEST_F(LdapPoolTest, AThousandLookUpsOfOneUserMakeOneSearch) {
  StubServer server(Manner::answers);
  open({server.url()});
  for (int i = 0; i < 1000; ++i) start();
  run();
  for (Task<Found>& task : tasks) ASSERT_EQ(text_of(task), "uid=joe,o=x from " + server.url());
  EXPECT_EQ(server.searches(), 1);
}

TEST_F(LdapPoolTest, ManySearchesAreInFlightAtOnceAndEndInAnyOrder) {
  StubServer server(Manner::answers);
  options.size = 1;
  open({server.url()});
  server.hold();
  for (int i = 0; i < 20; ++i) start(fmt::format("(uid=user{})", i));
  turn_until([&] { return server.searches() == 20; });
  EXPECT_EQ(server.connections(), 1);
  server.release();
  run();
  for (Task<Found>& task : tasks) EXPECT_EQ(text_of(task), "uid=joe,o=x from " + server.url());
}

TEST_F(LdapPoolTest, MoreThanAConnectionTakesWaitsInTheQueue) {
  StubServer server(Manner::answers);
  options.size = 1;
  open({server.url()});
  server.hold();
  for (int i = 0; i < 100; ++i) start(fmt::format("(uid=user{})", i));
  turn_until([&] { return server.searches() == 64; });
  for (int i = 0; i < 10; ++i) loop.run_turn();
  EXPECT_EQ(server.searches(), 64);
  server.release();
  run();
  EXPECT_EQ(server.searches(), 100);
}

TEST_F(LdapPoolTest, ABusyPoolGrowsToItsSize) {
  StubServer server(Manner::answers);
  options.size = 3;
  open({server.url()});
  server.hold();
  for (int i = 0; i < 100; ++i) start(fmt::format("(uid=user{})", i));
  turn_until([&] { return server.searches() == 100; });
  EXPECT_GT(server.connections(), 1);
  EXPECT_LE(server.connections(), 3);
  server.release();
  run();
}

TEST_F(LdapPoolTest, SessionsMayGoWhileTheyWait) {
  StubServer server(Manner::answers);
  open({server.url()});
  server.hold();
  start();
  start();
  start("(uid=jim)");
  turn_until([&] { return server.searches() == 2; });
  // The one that asked first and the only one that asked for jim are killed.
  tasks.pop_front();
  tasks.pop_back();
  pending = 1;
  server.release();
  run();
  EXPECT_EQ(text_of(tasks.front()), "uid=joe,o=x from " + server.url());
  EXPECT_EQ(server.searches(), 2);
}

// Everything is destroyed after each number of loop turns, with look-ups in every state.
TEST_F(LdapPoolTest, TheDirectoryMayGoAtAnyMoment) {
  StubServer server(Manner::answers);
  for (int turns = 0; turns < 40; ++turns) {
    options = LdapPoolOptions();
    options.access.timeout = 60s;
    options.size = 2;
    open({server.url()});
    for (int i = 0; i < 100; ++i) start(fmt::format("(uid=user{})", i % 90));
    for (int i = 0; i < turns; ++i) loop.run_turn();
    tasks.clear();
    pending = 0;
    close();
  }
}

TEST_F(LdapPoolTest, ATimedOutSearchIsAbandoned) {
  StubServer server(Manner::answers);
  options.access.timeout = 1s;
  open({server.url()});
  server.hold();
  EXPECT_EQ(find(), "unavailable: " + server.url() + ": no answer within 1 s");
  server.release();
  EXPECT_EQ(find("(uid=jim)"), "uid=joe,o=x from " + server.url());
  turn_until([&] { return server.abandons() == 1; });
}

TEST_F(LdapPoolTest, AnOldConnectionIsReplaced) {
  StubServer server(Manner::answers);
  options.refresh = 1ms;
  open({server.url()});
  for (int i = 0; server.connections() < 2; ++i) find(fmt::format("(uid=user{})", i));
  EXPECT_EQ(find("(uid=jane)"), "uid=joe,o=x from " + server.url());
}

}  // namespace
}  // namespace openmmp::directory
