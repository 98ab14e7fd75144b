// Passwords checked by servers that behave well and badly.
#include "workers/directory/ldap_binder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>
#include <list>

#include "tests/unit/directory/slapd.h"
#include "tests/unit/directory/stub_server.h"

namespace openmmp::directory {
namespace {

using Manner = StubServer::Manner;
using namespace std::chrono_literals;

class LdapBinderTest : public testing::Test {
 protected:
  LdapBinderTest() {
    std::signal(SIGPIPE, SIG_IGN);
    log.set_level(0);
  }
  ~LdapBinderTest() override { tasks.clear(); }

  void open(std::vector<std::string> servers, Millis timeout = 60s, size_t connections = 4) {
    tasks.clear();
    LdapAccess access;
    access.servers = std::move(servers);
    access.timeout = timeout;
    binder.emplace(loop, std::move(access), connections, refresh, log, 0ms);
  }
  Task<>& start(const std::string& dn = "uid=joe,o=x", const std::string& password = "secret") {
    tasks.push_back(binder->check(dn, Secret::copy_of(password)));
    tasks.back().start();
    return tasks.back();
  }
  template <class Condition>
  void turn_until(Condition condition) {
    while (!condition()) loop.run_turn();
  }
  std::string outcome(Task<>& task) {
    turn_until([&] { return task.finished(); });
    if (task.result()) return "right";
    const Error& error = task.result().error();
    return (error.code == Errc::refused       ? "refused: "
            : error.code == Errc::unavailable ? "unavailable: "
                                              : "other: ") +
           error.detail;
  }
  std::string check(const std::string& dn = "uid=joe,o=x", const std::string& password = "secret") {
    return outcome(start(dn, password));
  }

  Loop loop;
  Log log{"Test"};
  Millis refresh = 1000s;
  std::optional<LdapBinder> binder;
  std::list<Task<>> tasks;
};

constexpr const char* people = R"(dn: o=x
objectClass: organization
o: x

dn: uid=joe,o=x
objectClass: inetOrgPerson
uid: joe
cn: Joe
sn: Joe
userPassword: {SSHA}1G904nLkTkGWjKNnQuB/hpWXC/hzYWx0c2FsdA==

dn: uid=jane,o=x
objectClass: inetOrgPerson
uid: jane
cn: Jane
sn: Jane
userPassword: other

dn: uid=nopass,o=x
objectClass: inetOrgPerson
uid: nopass
cn: N
sn: N
)";

TEST_F(LdapBinderTest, ARealServerKnowsItsUsers) {
  Slapd slapd(free_port(), "o=x", people);
  slapd.start();
  open({slapd.url()});
  EXPECT_EQ(check(), "right");
  EXPECT_EQ(check("uid=jane,o=x", "other"), "right");
  const std::string no = "refused: " + slapd.url() + ": bind: ";
  const std::pair<const char*, const char*> wrong[] = {
      {"uid=joe,o=x", "Secret"},    {"uid=joe,o=x", "other"},     {"uid=jane,o=x", "secret"},
      {"uid=nobody,o=x", "secret"}, {"uid=nopass,o=x", "secret"}, {"uid=joe,o=x", "*"},
  };
  for (const auto& [dn, password] : wrong) {
    EXPECT_EQ(check(dn, password).substr(0, no.size()), no) << dn << " " << password;
    EXPECT_EQ(check(), "right") << "after " << dn;
  }
  EXPECT_EQ(check("uid=joe,o=x", std::string("secret\0", 7)).substr(0, no.size()), no);
  // Not a DN at all says nothing of a password.
  EXPECT_EQ(check("joe").substr(0, 12), "unavailable:");
}

// A server takes these for an anonymous bind and says yes.
TEST_F(LdapBinderTest, NothingIsNeverRight) {
  StubServer server(Manner::answers);
  open({server.url()});
  EXPECT_EQ(check("uid=joe,o=x", ""), "refused: an empty name or password");
  EXPECT_EQ(check("", "secret"), "refused: an empty name or password");
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(LdapBinderTest, SaysWhatTheServerSays) {
  StubServer denies(Manner::denies);
  open({denies.url()});
  EXPECT_EQ(check(), "refused: " + denies.url() + ": bind: Invalid credentials");
  StubServer busy(Manner::refuses);
  open({busy.url()});
  EXPECT_EQ(check(), "unavailable: " + busy.url() + ": bind: Server is busy");
  const std::string gone = fmt::format("ldap://127.0.0.1:{}", free_port());
  open({gone});
  EXPECT_EQ(check(), "unavailable: no directory server can be reached: " + gone +
                         ": connect: Can't contact LDAP server");
}

TEST_F(LdapBinderTest, OneBindAtATimeOnEachConnection) {
  StubServer server(Manner::answers);
  open({server.url()}, 60s, 3);
  server.hold();
  for (int i = 0; i < 10; ++i) start();
  turn_until([&] { return server.user_binds() == 3; });
  for (int i = 0; i < 20; ++i) loop.run_turn();
  EXPECT_EQ(server.user_binds(), 3);
  EXPECT_EQ(server.connections(), 3);
  server.release();
  for (Task<>& task : tasks) EXPECT_EQ(outcome(task), "right");
  EXPECT_EQ(server.user_binds(), 10);
  EXPECT_EQ(server.connections(), 3);
}

TEST_F(LdapBinderTest, TheQueueHasAnEnd) {
  StubServer server(Manner::answers);
  open({server.url()}, 60s, 1);
  for (int i = 0; i < 1024; ++i) start();
  EXPECT_EQ(check(), "unavailable: 1024 binds wait for the directory already");
}

TEST_F(LdapBinderTest, ABindIsSentOnceMoreWhenItsConnectionDies) {
  StubServer server(Manner::dies_once);
  open({server.url()});
  EXPECT_EQ(check(), "right");
  EXPECT_EQ(server.user_binds(), 2);
  StubServer dying(Manner::dies_on_search);
  open({dying.url()});
  EXPECT_EQ(check().substr(0, 12), "unavailable:");
  EXPECT_EQ(dying.user_binds(), 2);
  StubServer garbage(Manner::garbage);
  open({garbage.url()}, 2s);
  EXPECT_EQ(check().substr(0, 12), "unavailable:");
}

TEST_F(LdapBinderTest, NoOrHalfAnAnswerEndsTheConnection) {
  for (const Manner manner : {Manner::mute_on_search, Manner::half_answer}) {
    StubServer server(manner);
    open({server.url()}, 1s);
    EXPECT_EQ(check(), "unavailable: " + server.url() + ": no answer to a bind within 1 s");
    start();
    turn_until([&] { return server.connections() == 2; });
  }
}

TEST_F(LdapBinderTest, TheSecondHostTakesOverAndTheFirstComesBack) {
  refresh = 1ms;
  Slapd first(free_port(), "o=x", people);
  StubServer second(Manner::answers);
  open({first.url(), second.url()});
  EXPECT_EQ(check(), "right");
  EXPECT_GE(second.user_binds(), 1);
  first.start();
  // The stub takes any password; the one that does not is the first.
  std::string last;
  turn_until([&] { return (last = check("uid=joe,o=x", "wrong")) != "right"; });
  EXPECT_NE(last.find(first.url()), std::string::npos) << last;
  first.stop();
  turn_until([&] { return check("uid=joe,o=x", "wrong") == "right"; });
}

TEST_F(LdapBinderTest, WhoLeavesCostsNoConnection) {
  StubServer server(Manner::answers);
  open({server.url()}, 60s, 1);
  server.hold();
  start();
  turn_until([&] { return server.user_binds() == 1; });
  tasks.clear();
  Task<>& next = start("uid=jane,o=x");
  for (int i = 0; i < 20; ++i) loop.run_turn();
  EXPECT_EQ(server.user_binds(), 1) << "the first bind has no answer yet";
  server.release();
  EXPECT_EQ(outcome(next), "right");
  EXPECT_EQ(server.connections(), 1);
}

// The answer to one must never pass for the answer to another.
TEST_F(LdapBinderTest, TheAnswerOfWhoLeftIsNobodyElses) {
  StubServer server(Manner::denies);
  open({server.url()}, 60s, 1);
  server.hold();
  start();
  turn_until([&] { return server.user_binds() == 1; });
  tasks.clear();
  Task<>& next = start();
  server.release();
  EXPECT_EQ(outcome(next).substr(0, 8), "refused:");
  EXPECT_EQ(server.user_binds(), 2);
}

TEST_F(LdapBinderTest, EverythingMayGoAtAnyMoment) {
  StubServer server(Manner::answers);
  for (int turns = 0; turns < 40; ++turns) {
    open({server.url()}, 60s, 2);
    if (turns % 3 != 0) check();  // or else it goes while its connection is being opened
    for (int i = 0; i < 20; ++i) start();
    for (int i = 0; i < turns; ++i) loop.run_turn();
    if (turns % 2 == 0) tasks.erase(tasks.begin(), std::next(tasks.begin(), 5));
    for (int i = 0; i < turns % 5; ++i) loop.run_turn();
  }
}

}  // namespace
}  // namespace openmmp::directory
