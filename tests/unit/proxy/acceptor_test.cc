#include "workers/proxy/acceptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "ipc/runtime/socket.h"

namespace openmmp::proxy {
namespace {

class AcceptorTest : public testing::Test {
 protected:
  AcceptorTest()
      : log("Test"),
        acceptor(
            loop, log, [this] { return accepted.size() < room; },
            [this](UniqueFd socket, const SocketAddress&, size_t) {
              accepted.push_back(std::move(socket));
            }) {
    log.set_level(0);
    for (uint16_t port = static_cast<uint16_t>(13000 + ::getpid() % 15000); port < 32000; ++port) {
      Result<UniqueFd> listener = listen_tcp(*SocketAddress::parse("127.0.0.1", port));
      if (!listener) continue;
      address = local_address(listener->get());
      acceptor.listen_on(std::move(*listener));
      return;
    }
  }
  void connect(int count) {
    for (int i = 0; i < count; ++i) clients.push_back(*start_connect(address));
  }
  Loop loop;
  Log log;
  size_t room = 1000;
  std::vector<UniqueFd> accepted;
  std::vector<UniqueFd> clients;
  SocketAddress address;
  Acceptor acceptor;
};

TEST_F(AcceptorTest, TakesAllThereIs) {
  connect(30);
  while (accepted.size() < 30) loop.run_turn();
}

TEST_F(AcceptorTest, WithoutRoomItLooksAwayAndComesBack) {
  room = 3;
  connect(5);
  // The listener stays readable: if it were still watched, each turn would call the handler.
  for (int i = 0; i < 20; ++i) loop.run_turn();
  EXPECT_EQ(accepted.size(), 3u);
  room = 5;
  while (accepted.size() < 5) loop.run_turn();
}

TEST_F(AcceptorTest, ClosedItAcceptsNothing) {
  acceptor.close();
  connect(1);
  for (int i = 0; i < 20; ++i) loop.run_turn();
  EXPECT_TRUE(accepted.empty());
}

TEST_F(AcceptorTest, ComplainsOnceOfEachShortage) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd output(ends[0]);
  log.set_file(UniqueFd(ends[1]));
  log.set_level(3);
  const auto lines = [&] {
    log.flush();
    char text[4096];
    const ssize_t size = ::read(output.get(), text, sizeof text);
    return size <= 0 ? 0 : std::count(text, text + size, '\n');
  };
  room = 1;
  connect(4);
  for (int i = 0; i < 20; ++i) loop.run_turn();
  EXPECT_EQ(lines(), 1);
  // One session has ended: the others wait as before.
  room = 2;
  while (accepted.size() < 2) loop.run_turn();
  EXPECT_EQ(lines(), 0);
  room = 5;
  while (accepted.size() < 4) loop.run_turn();
  connect(2);
  while (accepted.size() < 5) loop.run_turn();
  for (int i = 0; i < 20; ++i) loop.run_turn();
  EXPECT_EQ(lines(), 1);
}

TEST(SessionLimit, LeavesRoomForTwoSocketsASession) { EXPECT_GT(session_limit(), 0u); }

}  // namespace
}  // namespace openmmp::proxy
