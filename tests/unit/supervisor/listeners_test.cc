#include "supervisor/listeners.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "ipc/runtime/socket.h"

namespace openmmp::supervisor {
namespace {

// A port that was free a moment ago, below those that the kernel gives to outgoing connections.
uint16_t free_port() {
  static uint16_t next = static_cast<uint16_t>(12000 + ::getpid() % 10000);
  for (;;) {
    const Result<SocketAddress> address = SocketAddress::parse("127.0.0.1", ++next);
    if (listen_tcp(*address)) return next;
  }
}

HostPort local(uint16_t port) { return HostPort("127.0.0.1", port); }

std::string name(uint16_t port) { return local(port).to_string(); }

TEST(Listeners, StayOpenAcrossGenerations) {
  const uint16_t one = free_port(), two = free_port(), three = free_port();
  Listeners listeners;
  ASSERT_TRUE(listeners.open({local(one), local(two)}));
  const std::vector<UniqueFd> before = *listeners.duplicate({local(two)});
  // `two` is bound already: opening it a second time would fail.
  ASSERT_TRUE(listeners.open({local(two), local(three)}));
  EXPECT_EQ(listeners.addresses().size(), 3u);
  listeners.close_all_but({local(two), local(three)});
  EXPECT_EQ(listeners.addresses(), (std::vector<std::string>{name(two), name(three)}));
  EXPECT_TRUE(listen_tcp(*SocketAddress::parse("127.0.0.1", one)));
  EXPECT_EQ(local_address(before.at(0).get()).port(), two);
}

TEST(Listeners, AFailureChangesNothingAndNamesAll) {
  const uint16_t free = free_port(), taken = free_port(), also_taken = free_port();
  const auto other = listen_tcp(*SocketAddress::parse("127.0.0.1", taken));
  const auto another = listen_tcp(*SocketAddress::parse("127.0.0.1", also_taken));
  Listeners listeners;
  const Result<> opened = listeners.open({local(free), local(taken), local(also_taken)});
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().detail.find(name(taken)), std::string::npos);
  EXPECT_NE(opened.error().detail.find(name(also_taken)), std::string::npos);
  EXPECT_TRUE(listeners.addresses().empty());
  EXPECT_TRUE(listen_tcp(*SocketAddress::parse("127.0.0.1", free)));
}

TEST(Listeners, NamesAreResolvedAndPortsAloneAreEverywhere) {
  const uint16_t port = free_port(), named = free_port();
  Listeners listeners;
  ASSERT_TRUE(listeners.open({HostPort("", port), HostPort("localhost", named)}));
  const std::vector<std::string> addresses = listeners.addresses();
  EXPECT_EQ(addresses.at(0), "0.0.0.0:" + std::to_string(port));
  const Result<> unknown = listeners.open({HostPort("no-such-host.invalid", port)});
  EXPECT_NE(unknown.error().detail.find("no-such-host.invalid"), std::string::npos);
}

TEST(Listeners, DuplicatesAreOthersDescriptors) {
  const uint16_t port = free_port();
  Listeners listeners;
  ASSERT_TRUE(listeners.open({local(port)}));
  const auto first = listeners.duplicate({local(port)});
  const auto second = listeners.duplicate({local(port)});
  EXPECT_NE(first->at(0).get(), second->at(0).get());
  EXPECT_EQ(::fcntl(first->at(0).get(), F_GETFD), FD_CLOEXEC);
  EXPECT_FALSE(listeners.duplicate({local(free_port())}));
}

}  // namespace
}  // namespace openmmp::supervisor
