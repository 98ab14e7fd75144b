#include "workers/proxy/relay.h"

#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>
#include <tuple>

#include "ipc/runtime/task.h"
#include "tests/unit/proxy/sockets.h"

namespace openmmp::proxy {
namespace {

constexpr const char* farewell = "* BYE\r\n";

Task<RelayEnd> relay_between(Loop& loop, RelayPool& pool, Connection client, Connection backend,
                             Millis idle, Relay** where) {
  Relay relay(loop, pool, std::move(client), std::move(backend), idle, farewell);
  *where = &relay;
  RelayEnd end = co_await relay;
  co_return std::move(end);
}

class RelayTest : public testing::TestWithParam<bool> {
 protected:
  RelayTest() { EXPECT_EQ(GetParam() && loop.join_calls(1), GetParam()); }
  void begin(Millis idle = Seconds(1800), std::string_view early = "") {
    auto [client_end, client_ours] = tcp_pair();
    auto [backend_end, backend_ours] = tcp_pair();
    client = std::move(client_end);
    backend = std::move(backend_end);
    Connection to_client(loop, std::move(client_ours));
    Connection to_backend(loop, std::move(backend_ours));
    if (!early.empty()) {
      ASSERT_EQ(::send(client.get(), early.data(), early.size(), 0),
                static_cast<ssize_t>(early.size()));
      while (!to_client.has_buffered_input()) loop.run_turn();
    }
    task.emplace(
        relay_between(loop, pool, std::move(to_client), std::move(to_backend), idle, &relay));
    task->start();
  }
  const RelayEnd& finish() {
    while (!task->finished()) loop.run_turn();
    return *task->result();
  }
  // Sends `text` from one end and receives it at the other, in turns with the loop.
  std::string pass(int from, int to, const std::string& text, size_t read_limit = 1 << 20) {
    std::string received;
    size_t sent = 0;
    bool ended = false;
    while (received.size() < text.size() && !ended) {
      const ssize_t count = ::send(from, text.data() + sent, text.size() - sent, MSG_DONTWAIT);
      if (count > 0) sent += static_cast<size_t>(count);
      loop.run_turn();
      received += receive_some(to, ended, read_limit);
    }
    return received;
  }

  Loop loop;
  RelayPool pool;
  UniqueFd client;
  UniqueFd backend;
  Relay* relay = nullptr;
  std::optional<Task<RelayEnd>> task;
};

TEST_P(RelayTest, PassesLinesBothWays) {
  begin();
  EXPECT_EQ(pass(client.get(), backend.get(), "a NOOP\r\n"), "a NOOP\r\n");
  EXPECT_EQ(pass(backend.get(), client.get(), "a OK done\r\n"), "a OK done\r\n");
  client.reset();
  backend.reset();
  const RelayEnd& end = finish();
  EXPECT_EQ(end.from_client, 8u);
  EXPECT_EQ(end.from_backend, 11u);
}

TEST_P(RelayTest, BulkArrivesByteForByteWhateverThePace) {
  const std::string text = pattern(12 << 20);
  for (const size_t pace : {size_t{1} << 20, size_t{7919}}) {
    begin();
    EXPECT_TRUE(pass(backend.get(), client.get(), text, pace) == text) << pace;
    EXPECT_TRUE(pass(client.get(), backend.get(), text, pace) == text) << pace;
    EXPECT_EQ(pass(client.get(), backend.get(), "short\r\n"), "short\r\n");
    client.reset();
    backend.reset();
    EXPECT_EQ(finish().from_backend, text.size());
    EXPECT_EQ(finish().from_client, text.size() + 7);
  }
}

TEST_P(RelayTest, WhatTheClientSentBehindItsLoginGoesFirst) {
  begin(Seconds(1800), "b SELECT INBOX\r\n");
  EXPECT_EQ(pass(client.get(), backend.get(), "c NOOP\r\n"), "b SELECT INBOX\r\nc NOOP\r\n");
}

TEST_P(RelayTest, AReaderThatStopsStopsTheSource) {
  begin();
  const std::string chunk = pattern(1 << 20);
  size_t sent = 0;
  for (int i = 0; i < 400; ++i) {
    const ssize_t count =
        ::send(backend.get(), chunk.data(), chunk.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) sent += static_cast<size_t>(count);
    loop.run_turn();
  }
  // Kernel buffers of four sockets, a pipe and one read: far less than was offered.
  EXPECT_LT(sent, size_t{64} << 20);
  size_t received = 0;
  bool ended = false;
  while (received < sent) {
    received += receive_some(client.get(), ended).size();
    loop.run_turn();
  }
  EXPECT_EQ(received, sent);
}

TEST_P(RelayTest, AHalfCloseIsPassedOnAndTheOtherWayGoesOn) {
  begin();
  ::shutdown(client.get(), SHUT_WR);
  bool ended = false;
  while (!ended) {
    loop.run_turn();
    receive_some(backend.get(), ended);
  }
  EXPECT_EQ(pass(backend.get(), client.get(), "a OK done\r\n"), "a OK done\r\n");
  backend.reset();
  EXPECT_EQ(finish().reason, "client closed");
}

TEST_P(RelayTest, TheStoresLastWordsReachTheClient) {
  begin();
  const std::string last = pattern(3 << 20);
  std::string received;
  size_t sent = 0;
  bool ended = false;
  while (!ended) {
    if (sent < last.size()) {
      const ssize_t count =
          ::send(backend.get(), last.data() + sent, last.size() - sent, MSG_DONTWAIT);
      if (count > 0) sent += static_cast<size_t>(count);
      if (sent == last.size()) backend.reset();
    }
    loop.run_turn();
    received += receive_some(client.get(), ended);
  }
  EXPECT_TRUE(received == last);
  client.reset();
  EXPECT_EQ(finish().reason, "server closed");
}

// The end has come with the last words, and the client has no room for them yet.
TEST_P(RelayTest, TheStoresLastWordsWaitForAClientThatDoesNotRead) {
  begin();
  const std::string much(200'000, 'm');
  size_t taken = 0;
  for (int quiet = 0; quiet < 20; ++quiet) {
    const ssize_t count = ::send(backend.get(), much.data(), much.size(), MSG_DONTWAIT);
    if (count > 0) quiet = 0;
    if (count > 0) taken += static_cast<size_t>(count);
    loop.run_turn();
  }
  const std::string last = "the last words\r\n";
  bool ended = false;
  std::string heard = receive_some(client.get(), ended, 100'000);
  while (::send(backend.get(), last.data(), last.size(), MSG_DONTWAIT) < 0) {
    loop.run_turn();
    heard += receive_some(client.get(), ended, 100'000);
  }
  backend.reset();
  for (int turns = 0; turns < 100; ++turns) loop.run_turn();
  while (!ended) {
    loop.run_turn();
    heard += receive_some(client.get(), ended, 100'000);
  }
  EXPECT_EQ(heard.size(), taken + last.size());
  EXPECT_TRUE(heard.ends_with(last));
  finish();
}

// What the client has said meanwhile has been read in part, and no edge will tell of the rest.
TEST_P(RelayTest, GoesOnWithWhatCameWhileTheStoreTookNothing) {
  begin();
  const std::string much(200'000, 'm');
  std::string said;
  for (int quiet = 0; quiet < 20; ++quiet) {
    const ssize_t count = ::send(client.get(), much.data(), much.size(), MSG_DONTWAIT);
    if (count > 0) quiet = 0;
    if (count > 0) said.append(much, 0, static_cast<size_t>(count));
    loop.run_turn();
  }
  bool ended = false;
  std::string heard;
  for (const char* line : {"one\r\n", "two\r\n", "three\r\n"}) {
    while (::send(client.get(), line, std::strlen(line), MSG_DONTWAIT) < 0) {
      heard += receive_some(backend.get(), ended, 50'000);
      loop.run_turn();
    }
    said += line;
    for (int turns = 0; turns < 5; ++turns) loop.run_turn();
  }
  for (int turns = 0; turns < 10'000 && heard.size() < said.size(); ++turns) {
    heard += receive_some(backend.get(), ended, 50'000);
    loop.run_turn();
  }
  EXPECT_TRUE(heard == said);
}

// It says no more and takes no more; the client is in the middle of a message, and must come to
// hear of it.
TEST_P(RelayTest, AStoreThatEndsWithoutReadingIsHeard) {
  begin();
  const std::string much(200'000, 'm');
  for (int quiet = 0; quiet < 20; ++quiet) {
    if (::send(client.get(), much.data(), much.size(), MSG_DONTWAIT) > 0) quiet = 0;
    loop.run_turn();
  }
  ASSERT_EQ(::send(backend.get(), "* BYE\r\n", 7, 0), 7);
  ASSERT_EQ(::shutdown(backend.get(), SHUT_WR), 0);
  bool ended = false;
  std::string heard;
  for (int turns = 0; turns < 10'000 && !ended; ++turns) {
    std::ignore = ::send(client.get(), much.data(), much.size(), MSG_DONTWAIT);
    loop.run_turn();
    heard += receive_some(client.get(), ended);
  }
  EXPECT_EQ(heard, "* BYE\r\n");
  client.reset();
  for (int turns = 0; turns < 100; ++turns) loop.run_turn();
  EXPECT_TRUE(task->finished());  // by the client's end, and not by a timer
}

TEST_P(RelayTest, SilenceEndsIt) {
  begin(Millis(5));
  EXPECT_EQ(finish().reason, "no traffic for 0 s");
}

TEST_P(RelayTest, AnInterruptSaysFarewellAtALineEndOnly) {
  begin();
  EXPECT_EQ(pass(backend.get(), client.get(), "* OK\r\n"), "* OK\r\n");
  relay->interrupt("server is going down");
  EXPECT_EQ(finish().reason, "server is going down");
  bool ended = false;
  EXPECT_EQ(receive_some(client.get(), ended), farewell);

  begin();
  EXPECT_EQ(pass(backend.get(), client.get(), "* 1 FETCH {10}\r\nabc"), "* 1 FETCH {10}\r\nabc");
  relay->interrupt("server is going down");
  finish();
  EXPECT_EQ(receive_some(client.get(), ended), "");
}

TEST_P(RelayTest, AnInterruptEndsOneThatIsNeverSilentToo) {
  begin();
  relay->interrupt("too many connections");
  while (!task->finished()) {
    std::ignore = ::send(client.get(), "a NOOP\r\n", 8, MSG_DONTWAIT | MSG_NOSIGNAL);
    loop.run_turn();
    bool ended = false;
    receive_some(backend.get(), ended);
  }
  EXPECT_EQ(finish().reason, "too many connections");
}

TEST_P(RelayTest, KnowsAMidLineEndInWhatCameWithTheLogin) {
  auto [client_end, client_ours] = tcp_pair();
  auto [backend_end, backend_ours] = tcp_pair();
  Connection to_client(loop, std::move(client_ours));
  Connection to_backend(loop, std::move(backend_ours));
  ASSERT_EQ(::send(backend_end.get(), "* 1 FETCH {100}", 15, 0), 15);
  while (!to_backend.has_buffered_input()) loop.run_turn();
  task.emplace(relay_between(loop, pool, std::move(to_client), std::move(to_backend), Seconds(1800),
                             &relay));
  task->start();
  relay->interrupt("server is going down");
  finish();
  bool ended = false;
  EXPECT_EQ(receive_some(client_end.get(), ended), "* 1 FETCH {100}");
}

TEST_P(RelayTest, UrgentDataStopsNothing) {
  begin();
  const std::string before = pattern(4 << 20);
  EXPECT_TRUE(pass(client.get(), backend.get(), before) == before);
  ASSERT_EQ(::send(client.get(), "!", 1, MSG_OOB), 1);
  const std::string after = pattern(1 << 20);
  // Out-of-band data is not passed on; what stands before and behind it is.
  EXPECT_TRUE(pass(client.get(), backend.get(), after) == after);
  client.reset();
  bool ended = false;
  while (!ended) {
    loop.run_turn();
    EXPECT_EQ(receive_some(backend.get(), ended), "");
  }
  backend.reset();
  EXPECT_EQ(finish().from_client, before.size() + after.size());
}

void reset_on_close(int fd) {
  const linger hard = {1, 0};
  ASSERT_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
}

TEST_P(RelayTest, AStoreThatTakesNoMoreStillHasTheLastWord) {
  begin();
  const std::string last = pattern(1 << 20);
  size_t sent = 0;
  while (sent < last.size()) {
    const ssize_t count =
        ::send(backend.get(), last.data() + sent, last.size() - sent, MSG_DONTWAIT);
    if (count > 0) sent += static_cast<size_t>(count);
    loop.run_turn();
  }
  // What its own kernel still has goes with the reset; what has arrived here must not.
  for (int unsent = 1; unsent > 0; loop.run_turn()) {
    ASSERT_EQ(::ioctl(backend.get(), SIOCOUTQ, &unsent), 0);
  }
  reset_on_close(backend.get());
  backend.reset();
  ASSERT_EQ(::send(client.get(), "a NOOP\r\n", 8, MSG_NOSIGNAL), 8);
  std::string received;
  bool ended = false;
  while (!ended) {
    loop.run_turn();
    received += receive_some(client.get(), ended, 64 * 1024);
  }
  EXPECT_TRUE(received == last) << received.size();
  client.reset();
  finish();
}

TEST_P(RelayTest, AClientThatTalksHearsTheStoreToItsEnd) {
  begin();
  const std::string last = pattern(2 << 20);
  size_t sent = 0;
  std::string received;
  bool ended = false;
  while (sent < last.size()) {
    const ssize_t count =
        ::send(backend.get(), last.data() + sent, last.size() - sent, MSG_DONTWAIT);
    if (count > 0) sent += static_cast<size_t>(count);
    loop.run_turn();
    if (sent < last.size()) received += receive_some(client.get(), ended, 1024);
  }
  backend.reset();
  for (int i = 0; i < 20; ++i) loop.run_turn();
  while (!ended) {
    ::send(client.get(), "a NOOP\r\n", 8, MSG_NOSIGNAL | MSG_DONTWAIT);
    loop.run_turn();
    received += receive_some(client.get(), ended, 64 * 1024);
  }
  EXPECT_TRUE(received == last) << received.size();
  client.reset();
  EXPECT_EQ(finish().reason, "server closed");
}

TEST_P(RelayTest, AClientThatIsLostIsNoticedWhileTheStoreTakesNothing) {
  begin();
  const std::string chunk = pattern(1 << 20);
  for (int i = 0; i < 200; ++i) {
    ::send(client.get(), chunk.data(), chunk.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    loop.run_turn();
  }
  ASSERT_FALSE(task->finished());
  reset_on_close(client.get());
  client.reset();
  EXPECT_EQ(finish().reason, "client connection lost");
}

TEST_P(RelayTest, MayBeDestroyedWithBytesInItsPipe) {
  for (int turns : {1, 3, 10, 50}) {
    begin();
    const std::string chunk = pattern(1 << 20);
    for (int i = 0; i < turns; ++i) {
      ::send(backend.get(), chunk.data(), chunk.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      loop.run_turn();
    }
    task.reset();
    loop.run_turn();
  }
}

TEST(RelayPool, LendsABoundedNumberOfPipesAndReusesThem) {
  RelayPool pool;
  std::vector<Pipe> pipes;
  while (std::optional<Pipe> pipe = pool.take_pipe()) {
    ASSERT_LT(pipes.size(), size_t{1000});
    pipes.push_back(std::move(*pipe));
  }
  ASSERT_FALSE(pipes.empty());
  pool.give_back(std::move(pipes.back()));
  pipes.pop_back();
  EXPECT_TRUE(pool.take_pipe());
  EXPECT_FALSE(pool.take_pipe());
  pool.pipe_closed();
  EXPECT_TRUE(pool.take_pipe());
}

// Together and one by one: see SocketCalls.
INSTANTIATE_TEST_SUITE_P(Ways, RelayTest, testing::Bool(), [](const auto& way) {
  return way.param ? std::string("Together") : std::string("OneByOne");
});

}  // namespace
}  // namespace openmmp::proxy
