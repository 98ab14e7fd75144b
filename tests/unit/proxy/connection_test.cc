#include "workers/proxy/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <optional>

#include "tests/unit/proxy/sockets.h"

namespace openmmp::proxy {
namespace {

class ConnectionTest : public testing::TestWithParam<bool> {
 protected:
  ConnectionTest() {
    EXPECT_EQ(GetParam() && loop.join_calls(1), GetParam());
    auto [ours, theirs] = tcp_pair();
    connection.emplace(loop, std::move(ours));
    peer = std::move(theirs);
  }
  void say(std::string_view text) {
    ASSERT_EQ(::send(peer.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  template <class T>
  Result<T> finish(Task<T> task) {
    task.start();
    while (!task.finished()) loop.run_turn();
    return std::move(task.result());
  }
  Loop loop;
  std::optional<Connection> connection;
  UniqueFd peer;
};

TEST_P(ConnectionTest, ReadsLinesAndLiterals) {
  say("a1 LOGIN {3}\r\njoe secret\r\nmore");
  EXPECT_EQ(*finish(connection->read_line(100)), "a1 LOGIN {3}");
  EXPECT_EQ(*finish(connection->read_bytes(3)), "joe");
  EXPECT_EQ(*finish(connection->read_line(100)), " secret");
  EXPECT_TRUE(connection->has_buffered_input());
  EXPECT_EQ(connection->release().unread, "more");
}

TEST_P(ConnectionTest, DeliversWhatCameBeforeTheEnd) {
  say("last\r\nhalf");
  peer.reset();
  EXPECT_EQ(*finish(connection->read_line(100)), "last");
  EXPECT_EQ(finish(connection->read_line(100)).error().code, Errc::closed);
}

TEST_P(ConnectionTest, ALineOverTheLimitIsAnError) {
  say("12345\r\n123456\r\n");
  EXPECT_EQ(*finish(connection->read_line(5)), "12345");
  EXPECT_EQ(finish(connection->read_line(5)).error().code, Errc::limit);
}

TEST_P(ConnectionTest, TheDeadlineSaysWhatItWaitedFor) {
  connection->deadline(Millis(1), "greeting from the store");
  const Error error = finish(connection->read_line(100)).error();
  EXPECT_EQ(error.code, Errc::timeout);
  EXPECT_EQ(error.detail, "no greeting from the store within 0.001 s");
  // It holds for every later wait, until a farewell is allowed.
  say("too late\r\n");
  EXPECT_EQ(finish(connection->write("x")).error().code, Errc::timeout);
  connection->allow_farewell(Seconds(1));
  EXPECT_TRUE(finish(connection->write("bye\r\n")));
  loop.run_turn();
  bool ended = false;
  EXPECT_EQ(receive_some(peer.get(), ended), "bye\r\n");
}

TEST_P(ConnectionTest, AnInterruptWakesTheReader) {
  Task<std::string> line = connection->read_line(100);
  line.start();
  loop.run_turn();
  ASSERT_FALSE(line.finished());
  connection->interrupt(Error(Errc::draining, "server is going down"));
  ASSERT_TRUE(line.finished());
  EXPECT_EQ(line.result().error().code, Errc::draining);
}

TEST_P(ConnectionTest, WhatCameBeforeAResetCanBeRead) {
  say("a1 NO [AUTHENTICATIONFAILED] no\r\n");
  const linger hard = {1, 0};
  ASSERT_EQ(setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
  loop.run_turn();
  peer.reset();
  for (int i = 0; i < 10; ++i) loop.run_turn();
  EXPECT_EQ(*finish(connection->read_line(100)), "a1 NO [AUTHENTICATIONFAILED] no");
  EXPECT_EQ(finish(connection->read_line(100)).error().code, Errc::closed);
  EXPECT_FALSE(connection->present());
}

TEST_P(ConnectionTest, UrgentDataDoesNotHideWhatStandsBehindIt) {
  say("one\r\n");
  ASSERT_EQ(::send(peer.get(), "!", 1, MSG_OOB), 1);
  say("two\r\n");
  EXPECT_EQ(*finish(connection->read_line(100)), "one");
  EXPECT_EQ(*finish(connection->read_line(100)), "two");
}

Task<int> never(Loop& loop, int& alive) {
  ++alive;
  struct AtEnd {
    explicit AtEnd(int& c) : count(c) {}
    ~AtEnd() { --count; }
    int& count;
  } at_end(alive);
  Sleep nap(loop, Seconds(3600));
  co_await nap;
  co_return 1;
}

Task<int> soon(Loop& loop) {
  Sleep nap(loop, Millis(1));
  co_await nap;
  co_return 7;
}

TEST_P(ConnectionTest, ATaskEndsWithThePeerItIsFor) {
  EXPECT_EQ(*finish(connection->while_present(soon(loop))), 7);
  int alive = 0;
  Task<int> task = connection->while_present(never(loop, alive));
  task.start();
  say("input is no reason to stop\r\n");
  ::shutdown(peer.get(), SHUT_WR);  // nor is the end of it
  for (int i = 0; i < 10; ++i) loop.run_turn();
  ASSERT_EQ(alive, 1);
  connection->interrupt(Error(Errc::draining, "server is going down"));
  ASSERT_TRUE(task.finished());
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(task.result().error().code, Errc::draining);
}

TEST_P(ConnectionTest, APauseLastsWhateverIsSaidMeanwhile) {
  say("a2 LOGIN joe guess\r\n");
  const Millis begin = loop.now();
  EXPECT_TRUE(finish(connection->pause(Millis(3))));
  EXPECT_GE(loop.now() - begin, Millis(3));
  EXPECT_EQ(*finish(connection->read_line(100)), "a2 LOGIN joe guess");
  EXPECT_TRUE(finish(connection->pause(Millis(0))));
}

TEST_P(ConnectionTest, APauseEndsWithTheInput) {
  Task<> pause = connection->pause(Seconds(3600));
  pause.start();
  say("a2 LOGIN joe guess\r\n");
  for (int i = 0; i < 10; ++i) loop.run_turn();
  ASSERT_FALSE(pause.finished());
  ::shutdown(peer.get(), SHUT_WR);
  while (!pause.finished()) loop.run_turn();
  EXPECT_EQ(pause.result().error().code, Errc::closed);
  // What has ended before is not waited for either.
  EXPECT_EQ(finish(connection->pause(Seconds(3600))).error().code, Errc::closed);
}

TEST_P(ConnectionTest, APauseEndsWithTheSession) {
  Task<> pause = connection->pause(Seconds(3600));
  pause.start();
  connection->interrupt(Error(Errc::draining, "server is going down"));
  ASSERT_TRUE(pause.finished());
  EXPECT_EQ(pause.result().error().code, Errc::draining);
}

TEST_P(ConnectionTest, AFloodIsNotReadPastTheLimit) {
  const std::string flood(1 << 20, 'x');
  size_t sent = 0;
  for (int i = 0; i < 200; ++i) {
    const ssize_t count =
        ::send(peer.get(), flood.data(), flood.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) sent += static_cast<size_t>(count);
    loop.run_turn();
  }
  ASSERT_GT(sent, size_t{256 * 1024});
  EXPECT_LE(connection->release().unread.size(), size_t{80 * 1024});
}

TEST_P(ConnectionTest, ALongWriteWaitsForTheReader) {
  const std::string text(8 << 20, 'y');
  Task<> write = connection->write(text);
  write.start();
  loop.run_turn();
  ASSERT_FALSE(write.finished());
  size_t received = 0;
  bool ended = false;
  while (!write.finished() || received < text.size()) {
    received += receive_some(peer.get(), ended).size();
    loop.run_turn();
    ASSERT_FALSE(ended);
  }
  EXPECT_TRUE(write.result());
  EXPECT_EQ(received, text.size());
}

TEST_P(ConnectionTest, LastWordsAreWaitedFor) {
  connection->deadline(Seconds(60), "room");
  std::string all;
  for (int i = 0; i < 1000 && all.size() < 20'000'000; ++i) {
    const std::string text(15'000, 'x');
    Task<> written = connection->write(text);
    written.start();
    loop.run_turn();
    all += text;
    if (!written.finished()) {
      bool ended = false;
      size_t heard = 0;
      while (!written.finished()) {
        heard += receive_some(peer.get(), ended, 10'000).size();
        loop.run_turn();
      }
      Task<> last = connection->write("last words");
      last.start();
      Task<> sent = connection->sent();
      sent.start();
      while (!sent.finished()) {
        heard += receive_some(peer.get(), ended, 10'000).size();
        loop.run_turn();
      }
      EXPECT_TRUE(sent.result());
      connection.reset();
      loop.run_turn();
      while (!ended) heard += receive_some(peer.get(), ended, 100'000).size();
      EXPECT_EQ(heard, all.size() + 10);
      return;
    }
  }
  FAIL() << "the kernel takes everything";
}

TEST_P(ConnectionTest, AWriteToOneWhoHasGoneFails) {
  peer.reset();
  const std::string text(1 << 20, 'z');
  Result<> written;
  for (int i = 0; i < 100 && written; ++i) written = finish(connection->write(text));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::closed);
}

TEST_P(ConnectionTest, LingersUntilThePeerHasReadTheLastLine) {
  say("unread input that would reset the connection\r\n");
  ASSERT_TRUE(finish(connection->write("* BYE\r\n")));
  Task<> linger = connection->linger(Seconds(5));
  linger.start();
  for (int i = 0; i < 10; ++i) loop.run_turn();
  ASSERT_FALSE(linger.finished());
  bool ended = false;
  EXPECT_EQ(receive_some(peer.get(), ended), "* BYE\r\n");
  EXPECT_EQ(receive_some(peer.get(), ended), "");
  EXPECT_TRUE(ended);
  peer.reset();
  while (!linger.finished()) loop.run_turn();
  EXPECT_TRUE(linger.result());
}

TEST_P(ConnectionTest, DoesNotLingerForOneWhoNeverStops) {
  Task<> linger = connection->linger(Seconds(3600));
  linger.start();
  const std::string flood(1 << 16, 'x');
  while (!linger.finished()) {
    ::send(peer.get(), flood.data(), flood.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    loop.run_turn();
  }
}

TEST_P(ConnectionTest, MayBeDestroyedWhileItIsRead) {
  Task<std::string> line = connection->read_line(100);
  line.start();
  loop.run_turn();
  line.destroy();
  connection.reset();
  loop.run_turn();
}

// Together and one by one: see SocketCalls.
INSTANTIATE_TEST_SUITE_P(Ways, ConnectionTest, testing::Bool(), [](const auto& way) {
  return way.param ? std::string("Together") : std::string("OneByOne");
});

}  // namespace
}  // namespace openmmp::proxy
