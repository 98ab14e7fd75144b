#include "ipc/handover.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/privileges.h"

namespace openmmp::ipc {
namespace {

UniqueFd pipe_end() {
  int fds[2];
  EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  ::close(fds[1]);
  return UniqueFd(fds[0]);
}

ino_t inode(const UniqueFd& fd) {
  struct stat status {};
  EXPECT_EQ(::fstat(fd.get(), &status), 0);
  return status.st_ino;
}

config::Service example() {
  config::Service service;
  service.name = "ImapProxyAService@143|993";
  service.log_name = "ImapProxy";
  service.pairs = {{"BindPass", "secret"}, {"Timeout", "60"}};
  config::VirtualDomain domain;
  domain.name = "example.com";
  domain.addresses = {"192.0.2.1", "2001:db8::1"};
  domain.overrides = {{"DefaultDomain", "example.com"}};
  service.virtual_domains.push_back(domain);
  service.store_groups.push_back({"inner", {"10.0.0.0/8", "*.example"}, {{"StoreVerify", "no"}}});
  return service;
}

Inheritance inheritance() {
  Inheritance result;
  result.generation = 7;
  result.index = 2;
  result.listeners.push_back(pipe_end());
  result.listeners.push_back(pipe_end());
  result.files.emplace_back("SSLKeyFile", pipe_end());
  result.files.emplace_back("StoreCaFile", pipe_end());
  result.files[0].path = "/etc/b.key";
  result.files[0].index = 1;
  result.files[1].store_group = "inner";
  result.files.emplace_back("CertMapFile", pipe_end());
  result.files[2].virtual_domain = "example.com";
  result.log = pipe_end();
  result.user = "mailsrv";
  result.group = "mail";
  return result;
}

tls::TicketKeys ticket_keys() {
  tls::TicketKeys keys;
  for (const char c : {'a', 'b'}) {
    keys.push_back(std::move(*tls::TicketKey::from_bytes(std::string(tls::TicketKey::size, c))));
  }
  return keys;
}

void expect_same(const tls::TicketKeys& a, const tls::TicketKeys& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].bytes(), b[i].bytes());
}

TEST(Handover, RoundTrip) {
  const tls::TicketKeys keys = ticket_keys();
  Loop loop;
  auto pair = socket_pair();
  ToWorkerChannel supervisor(loop, std::move(pair->first));
  ToSupervisorChannel worker(loop, std::move(pair->second));
  Inheritance given = inheritance();
  given.ticket_keys = &keys;
  const std::vector<ino_t> inodes{inode(given.listeners[0]),  inode(given.listeners[1]),
                                  inode(given.files[0].file), inode(given.files[1].file),
                                  inode(given.files[2].file), inode(given.log)};
  auto [message, descriptors] = make_birth(example(), std::move(given));
  ASSERT_TRUE(supervisor.send(message, std::move(descriptors)));

  Task<Birthright> task = receive_birth(worker);
  task.start();
  for (int turns = 0; turns < 100 && !task.finished(); ++turns) loop.run_turn();
  ASSERT_TRUE(task.finished());
  ASSERT_TRUE(task.result()) << task.result().error().detail;
  const Birthright& right = *task.result();
  const config::Service service = example();
  EXPECT_EQ(right.service, service.name);
  EXPECT_EQ(right.log_name, "ImapProxy");
  EXPECT_EQ(right.generation, 7u);
  EXPECT_EQ(right.index, 2u);
  EXPECT_EQ(right.settings, service.pairs);
  ASSERT_EQ(right.virtual_domains.size(), 1u);
  EXPECT_EQ(right.virtual_domains[0].name, "example.com");
  EXPECT_EQ(right.virtual_domains[0].addresses, service.virtual_domains[0].addresses);
  EXPECT_EQ(right.virtual_domains[0].overrides, service.virtual_domains[0].overrides);
  ASSERT_EQ(right.listeners.size(), 2u);
  ASSERT_EQ(right.store_groups.size(), 1u);
  EXPECT_EQ(right.store_groups[0].name, "inner");
  EXPECT_EQ(right.store_groups[0].hosts, service.store_groups[0].hosts);
  EXPECT_EQ(right.store_groups[0].overrides, service.store_groups[0].overrides);
  expect_same(right.ticket_keys, keys);
  ASSERT_EQ(right.files.size(), 3u);
  EXPECT_EQ(right.files[0].option, "SSLKeyFile");
  EXPECT_EQ(right.files[0].path, "/etc/b.key");
  EXPECT_EQ(right.files[0].store_group, "");
  EXPECT_EQ(right.files[0].index, 1u);
  EXPECT_EQ(right.files[1].option, "StoreCaFile");
  EXPECT_EQ(right.files[1].store_group, "inner");
  EXPECT_EQ(right.files[1].virtual_domain, "");
  EXPECT_EQ(right.files[2].option, "CertMapFile");
  EXPECT_EQ(right.files[2].virtual_domain, "example.com");
  EXPECT_EQ(inode(right.listeners[0]), inodes[0]);
  EXPECT_EQ(inode(right.listeners[1]), inodes[1]);
  EXPECT_EQ(inode(right.files[0].file), inodes[2]);
  EXPECT_EQ(inode(right.files[1].file), inodes[3]);
  EXPECT_EQ(inode(right.files[2].file), inodes[4]);
  EXPECT_EQ(inode(right.log), inodes[5]);
  EXPECT_EQ(right.user, "mailsrv");
  EXPECT_EQ(right.group, "mail");
}

TEST(Handover, CountsMustAgree) {
  struct Case {
    uint32_t listeners;
    int files;
    bool log;
    size_t descriptors;
    bool good;
  };
  const Case cases[] = {{0, 0, false, 0, true},  {2, 1, true, 4, true},   {2, 1, true, 3, false},
                        {2, 1, true, 5, false},  {1, 0, false, 0, false}, {0, 0, false, 1, false},
                        {~0u, 0, true, 0, false}};
  for (const Case& c : cases) {
    proto::Birth birth;
    birth.set_listeners(c.listeners);
    for (int i = 0; i < c.files; ++i) birth.add_files("f");
    birth.set_log(c.log);
    Descriptors descriptors;
    for (size_t i = 0; i < c.descriptors; ++i) descriptors.push_back(pipe_end());
    const Result<Birthright> right = take_birth(std::move(birth), std::move(descriptors));
    EXPECT_EQ(right.has_value(), c.good) << c.listeners << ' ' << c.descriptors;
    if (!c.good) {
      EXPECT_EQ(right.error().code, Errc::protocol);
    }
  }
}

// A supervisor of the last version names files and says no more about them.
TEST(Handover, FilesNeedNoDetails) {
  proto::Birth birth;
  birth.add_files("LdapUrl");
  Descriptors descriptors;
  descriptors.push_back(pipe_end());
  const Result<Birthright> right = take_birth(birth, std::move(descriptors));
  ASSERT_TRUE(right);
  EXPECT_EQ(right->files.at(0).option, "LdapUrl");
  EXPECT_EQ(right->files[0].index, 0u);
  EXPECT_TRUE(right->ticket_keys.empty());

  birth.add_file_details();
  birth.add_file_details();
  Descriptors more;
  more.push_back(pipe_end());
  EXPECT_EQ(take_birth(birth, std::move(more)).error().code, Errc::protocol);
}

TEST(Handover, NewTicketKeys) {
  const tls::TicketKeys keys = ticket_keys();
  proto::ToWorker message = make_ticket_keys(keys);
  proto::TicketKeys& said = *message.mutable_ticket_keys();
  const Result<tls::TicketKeys> taken = take_ticket_keys(said);
  ASSERT_TRUE(taken);
  expect_same(*taken, keys);
  for (const std::string& key : said.keys()) EXPECT_EQ(key, "") << "not wiped";

  said.clear_keys();
  said.add_keys("short");
  EXPECT_EQ(take_ticket_keys(said).error().code, Errc::protocol);
  proto::Birth birth;
  birth.mutable_ticket_keys()->add_keys("short");
  EXPECT_EQ(take_birth(std::move(birth), {}).error().code, Errc::protocol);
}

TEST(Handover, TheFirstMessageMustBeBirth) {
  Loop loop;
  auto pair = socket_pair();
  ToWorkerChannel supervisor(loop, std::move(pair->first));
  ToSupervisorChannel worker(loop, std::move(pair->second));
  proto::ToWorker drain;
  drain.mutable_drain()->set_seconds(1);
  ASSERT_TRUE(supervisor.send(drain));
  Task<Birthright> task = receive_birth(worker);
  task.start();
  EXPECT_EQ(task.result().error().code, Errc::protocol);
}

TEST(Privileges, NamesAndNumbers) {
  const Result<Identity> nothing = resolve_identity("", "");
  EXPECT_EQ(nothing->user, static_cast<uid_t>(-1));
  EXPECT_EQ(nothing->group, static_cast<gid_t>(-1));
  EXPECT_EQ(resolve_identity("root", "")->user, 0u);
  EXPECT_EQ(resolve_identity("root", "")->group, 0u);
  EXPECT_EQ(resolve_identity("0", "12345")->group, 12345u);
  EXPECT_EQ(resolve_identity("54321", "12345")->user, 54321u);
  for (const char* bad : {"no-such-user", "-1", "4294967295", "12x", "99999999999"}) {
    EXPECT_EQ(resolve_identity(bad, "0").error().code, Errc::refused) << bad;
    EXPECT_EQ(resolve_identity("root", bad).error().code, Errc::refused) << bad;
  }
  EXPECT_EQ(resolve_identity("54321", "").error().code, Errc::refused);
}

// In a child, because there is no way back.
TEST(Privileges, DropIsForGood) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_EXIT(
      {
        const Result<> dropped = drop_privileges("nobody", "");
        const bool gone = dropped.has_value() &&
                          ::geteuid() == resolve_identity("nobody", "")->user &&
                          ::getgroups(0, nullptr) == 1 && ::setuid(0) != 0 && ::setgid(0) != 0;
        ::_exit(gone ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace openmmp::ipc
