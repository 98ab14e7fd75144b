#include "workers/proxy/stores.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "ipc/runtime/socket.h"
#include "tests/unit/proxy/sockets.h"
#include "workers/proxy/dial.h"

namespace openmmp::proxy {
namespace {

class StoresTest : public testing::Test {
 protected:
  Stores create(const config::Pairs& pairs, std::vector<config::StoreGroup> groups = {}) {
    Log log("Test");
    log.set_level(0);
    auto stores = Stores::create(pairs, std::move(groups), {}, Stores::Protocol(143, "imap"), log);
    EXPECT_TRUE(stores) << stores.error().detail;
    return std::move(*stores);
  }
};

TEST_F(StoresTest, KnowsThePortOfAStore) {
  const struct {
    config::Pairs pairs;
    uint16_t port;
    StoreTls tls;
  } cases[] = {
      {{}, 143, StoreTls::none},
      {{{"BacksidePort", "1143"}}, 1143, StoreTls::none},
      {{{"BacksidePort", "1143"}, {"StoreStartTls", "yes"}}, 1143, StoreTls::after_greeting},
      {{{"BacksidePort", "1143"}, {"SSLBacksidePort", "993"}}, 993, StoreTls::at_connect},
  };
  for (const auto& c : cases) {
    const Stores stores = create(c.pairs);
    const Store& store = stores.find(HostPort("store1", 0));
    EXPECT_EQ(store.port, c.port);
    EXPECT_EQ(store.tls, c.tls);
  }
}

TEST_F(StoresTest, AGroupHasItsOwnOptions) {
  config::StoreGroup group;
  group.name = "old";
  group.hosts = {"old1", "192.0.2.0/24"};
  group.overrides = {{"BacksidePort", "2143"}, {"ForwardClient", "proxy2 id"}};
  const Stores stores = create({{"BacksidePort", "1143"}}, {group});
  EXPECT_EQ(stores.find(HostPort("old1", 0)).port, 2143);
  EXPECT_EQ(stores.find(HostPort("192.0.2.9", 0)).forwarding.proxy_version, 2);
  EXPECT_TRUE(stores.find(HostPort("192.0.2.9", 0)).forwarding.in_protocol);
  EXPECT_EQ(stores.find(HostPort("store1", 0)).port, 1143);
  EXPECT_EQ(stores.find(HostPort("store1", 0)).forwarding.proxy_version, 0);
}

TEST_F(StoresTest, SourcesTakeTurnsByFamily) {
  const Stores stores = create({{"SourceAddresses", "127.0.0.5 ::1 127.0.0.6"}});
  const Store& store = stores.find(HostPort("store1", 0));
  std::string used;
  for (int i = 0; i < 4; ++i) used += store.next_source(AF_INET)->ip() + ' ';
  EXPECT_EQ(used, "127.0.0.5 127.0.0.6 127.0.0.5 127.0.0.6 ");
  EXPECT_EQ(store.next_source(AF_INET6)->ip(), "::1");
  EXPECT_FALSE(create({}).find(HostPort("store1", 0)).next_source(AF_INET));
}

// Two connections from one address and port, as more than 64k sessions need it, must differ in
// their other end alone; so the kernel may choose the port no sooner than at connect.
TEST_F(StoresTest, ConnectsFromItsSource) {
  const Stores stores = create({{"SourceAddresses", "127.0.0.5"}});
  const Store& store = stores.find(HostPort("127.0.0.1", 0));
  Loop loop;
  Resolver resolver(loop);
  UniqueFd listener;
  SocketAddress address;
  for (uint16_t port = static_cast<uint16_t>(13000 + ::getpid() % 15000); !listener; ++port) {
    Result<UniqueFd> made = listen_tcp(*SocketAddress::parse("127.0.0.1", port));
    if (made) listener = std::move(*made);
  }
  address = local_address(listener.get());
  Task<Connection> task = dial(loop, resolver, HostPort("127.0.0.1", address.port()), store);
  task.start();
  while (!task.finished()) loop.run_turn();
  ASSERT_TRUE(task.result()) << task.result().error().detail;
  SocketAddress peer;
  ASSERT_TRUE(accept_tcp(listener.get(), peer));
  EXPECT_EQ(peer.ip(), "127.0.0.5");
  int late = 0;
  socklen_t size = sizeof late;
  getsockopt(task.result()->fd(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, &size);
  EXPECT_EQ(late, 1);
}

TEST_F(StoresTest, ASourceThatIsNotOursIsSaid) {
  const Stores stores = create({{"SourceAddresses", "192.0.2.77"}});
  Loop loop;
  Resolver resolver(loop);
  Task<Connection> task =
      dial(loop, resolver, HostPort("127.0.0.1", 9), stores.find(HostPort("127.0.0.1", 0)));
  task.start();
  while (!task.finished()) loop.run_turn();
  ASSERT_FALSE(task.result());
  EXPECT_NE(task.result().error().detail.find("connect from 192.0.2.77"), std::string::npos);
}

}  // namespace
}  // namespace openmmp::proxy
