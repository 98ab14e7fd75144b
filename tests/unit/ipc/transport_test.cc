#include "ipc/transport.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <optional>

#include "ipc/channel.h"
#include "proto/worker.pb.h"

namespace openmmp::ipc {
namespace {

UniqueFd some_file() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

// Receives `wanted` frames, or until the channel fails.
struct Receiver {
  Task<> run(Transport& transport, size_t wanted) {
    while (frames.size() < wanted) {
      Result<Transport::Frame> frame = co_await attempt(transport.receive());
      if (!frame) {
        error = frame.error();
        co_return;
      }
      frames.push_back(std::move(*frame));
    }
  }
  std::vector<Transport::Frame> frames;
  std::optional<Error> error;
};

class TransportTest : public testing::Test {
 protected:
  TransportTest() {
    auto pair = socket_pair();
    near_ = std::move(pair->first);
    far_ = std::move(pair->second);
  }
  template <class Done>
  void turn_until(Done done) {
    for (int turns = 0; turns < 100000 && !done(); ++turns) loop_.run_turn();
    EXPECT_TRUE(done());
  }

  Loop loop_;
  UniqueFd near_, far_;
};

TEST_F(TransportTest, FramesArriveInOrderWithTheirDescriptors) {
  Transport sender(loop_, std::move(near_));
  Transport receiver(loop_, std::move(far_));
  const size_t counts[] = {0, 1, 0, 249, 250, 251, 753, 1000, 0, 3};
  for (const size_t count : counts) {
    Descriptors descriptors;
    for (size_t i = 0; i < count; ++i) descriptors.push_back(some_file());
    ASSERT_TRUE(sender.send("frame with " + std::to_string(count), std::move(descriptors)));
  }
  Receiver received;
  Task<> task = received.run(receiver, std::size(counts));
  task.start();
  turn_until([&] { return task.finished(); });
  ASSERT_EQ(received.frames.size(), std::size(counts));
  for (size_t i = 0; i < std::size(counts); ++i) {
    EXPECT_EQ(received.frames[i].body, "frame with " + std::to_string(counts[i]));
    EXPECT_EQ(received.frames[i].descriptors.size(), counts[i]);
    for (const UniqueFd& fd : received.frames[i].descriptors) {
      EXPECT_EQ(::fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
    }
  }
  EXPECT_TRUE(sender.everything_sent());
}

TEST_F(TransportTest, EmptyBodyCarriesFourBatches) {
  Transport sender(loop_, std::move(near_));
  Transport receiver(loop_, std::move(far_));
  Descriptors descriptors;
  for (size_t i = 0; i < Transport::max_descriptors; ++i) descriptors.push_back(some_file());
  ASSERT_TRUE(sender.send("", std::move(descriptors)));
  Receiver received;
  Task<> task = received.run(receiver, 1);
  task.start();
  turn_until([&] { return task.finished(); });
  EXPECT_EQ(received.frames.at(0).descriptors.size(), Transport::max_descriptors);
}

TEST_F(TransportTest, TooManyDescriptorsAreRefusedAndClosed) {
  Transport sender(loop_, std::move(near_));
  Descriptors descriptors;
  for (size_t i = 0; i <= Transport::max_descriptors; ++i) descriptors.push_back(some_file());
  const int last = descriptors.back().get();
  EXPECT_EQ(sender.send("x", std::move(descriptors)).error().code, Errc::limit);
  EXPECT_FALSE(is_open(last));
}

TEST_F(TransportTest, ByteByByte) {
  Transport receiver(loop_, std::move(far_));
  Receiver received;
  Task<> task = received.run(receiver, 2);
  task.start();
  for (const char byte : *encode_frame("hello") + *encode_frame("world")) {
    ASSERT_EQ(::send(near_.get(), &byte, 1, 0), 1);
    loop_.run_turn();
    loop_.run_turn();
  }
  turn_until([&] { return task.finished(); });
  EXPECT_EQ(received.frames.at(0).body, "hello");
  EXPECT_EQ(received.frames.at(1).body, "world");
}

TEST_F(TransportTest, PeerThatDoesNotReadIsALimitAndNothingIsLostOfTheRest) {
  const std::string body(100000, 'x');
  Transport sender(loop_, std::move(near_));
  size_t queued = 0;
  Result<> sent;
  while ((sent = sender.send(body, {})).has_value()) ++queued;
  EXPECT_EQ(sent.error().code, Errc::limit);
  EXPECT_GE(queued, Transport::max_queued_frames);
  EXPECT_FALSE(sender.everything_sent());

  Transport receiver(loop_, std::move(far_));
  Receiver received;
  Task<> task = received.run(receiver, queued);
  task.start();
  turn_until([&] { return task.finished(); });
  EXPECT_EQ(received.frames.size(), queued);
  EXPECT_EQ(received.frames.back().body, body);
  EXPECT_TRUE(sender.everything_sent());
  EXPECT_TRUE(sender.send("again", {}));
}

TEST_F(TransportTest, AFloodLeavesTheLoopItsTurns) {
  for (int i = 0; i < 200; ++i) {
    const std::string frame = *encode_frame("x");
    ASSERT_EQ(::send(near_.get(), frame.data(), frame.size(), 0), 5);
  }
  Transport receiver(loop_, std::move(far_));
  Receiver received;
  Task<> task = received.run(receiver, 200);
  task.start();
  EXPECT_LT(received.frames.size(), 200u);  // it gave way although more was there
  turn_until([&] { return task.finished(); });
}

TEST_F(TransportTest, PeerDeath) {
  struct Case {
    std::string bytes;
    size_t frames;
  };
  const Case cases[] = {{"", 0},
                        {std::string("\0\0", 2), 0},
                        {std::string("\0\0\0\5abc", 7), 0},
                        {*encode_frame("all"), 1},
                        {*encode_frame("all") + "\1", 1}};
  for (const Case& c : cases) {
    auto pair = socket_pair();
    Transport receiver(loop_, std::move(pair->second));
    Receiver received;
    Task<> task = received.run(receiver, 2);
    task.start();
    ASSERT_EQ(::send(pair->first.get(), c.bytes.data(), c.bytes.size(), 0),
              static_cast<ssize_t>(c.bytes.size()));
    pair->first.reset();
    turn_until([&] { return task.finished(); });
    EXPECT_EQ(received.frames.size(), c.frames);
    ASSERT_TRUE(received.error);
    EXPECT_EQ(received.error->code, Errc::closed);
    EXPECT_EQ(receiver.send("too late", {}).error().code, Errc::closed);
  }
}

TEST_F(TransportTest, SendToADeadPeerIsAnErrorAndNoSignal) {
  Transport sender(loop_, std::move(near_));
  far_.reset();
  EXPECT_EQ(sender.send("x", {}).error().code, Errc::closed);
}

TEST_F(TransportTest, AFrameThatIsTooLongEndsIt) {
  Transport receiver(loop_, std::move(far_));
  ASSERT_EQ(::send(near_.get(), "\xff\xff\xff\xff", 4, 0), 4);
  Receiver received;
  Task<> task = received.run(receiver, 1);
  task.start();
  turn_until([&] { return task.finished(); });
  EXPECT_EQ(received.error->code, Errc::protocol);
}

TEST_F(TransportTest, DescriptorsOfAHalfFrameAreClosedWithIt) {
  int fd = -1;
  {
    Transport sender(loop_, std::move(near_));
    Transport receiver(loop_, std::move(far_));
    Receiver received;
    Task<> task = received.run(receiver, 2);
    task.start();
    Descriptors one;
    one.push_back(some_file());
    ASSERT_TRUE(sender.send("whole", std::move(one)));
    turn_until([&] { return received.frames.size() == 1; });
    fd = received.frames.at(0).descriptors.at(0).get();
    EXPECT_TRUE(is_open(fd));
  }
  EXPECT_FALSE(is_open(fd));
}

TEST_F(TransportTest, EitherMayBeDestroyedFirst) {
  Receiver received;
  std::optional<Transport> receiver(std::in_place, loop_, std::move(far_));
  {
    Task<> task = received.run(*receiver, 1);
    task.start();
    loop_.run_turn();
  }
  ASSERT_EQ(::send(near_.get(), "\0\0\0\1x", 5, 0), 5);
  loop_.run_turn();  // readable, and nobody waits: must not spin or crash
  loop_.run_turn();
  Task<> second = received.run(*receiver, 2);
  second.start();
  EXPECT_EQ(received.frames.size(), 1u);  // what came in between was not lost
  receiver.reset();
  loop_.run_turn();
  EXPECT_FALSE(second.finished());
}

TEST_F(TransportTest, ChannelOfMessages) {
  Channel<proto::FromWorker, proto::ToWorker> worker(loop_, std::move(near_));
  Channel<proto::ToWorker, proto::FromWorker> supervisor(loop_, std::move(far_));
  proto::FromWorker failed;
  failed.mutable_failed()->set_reason("no key");
  ASSERT_TRUE(worker.send(failed));
  Task<Received<proto::FromWorker>> task = supervisor.receive();
  task.start();
  turn_until([&] { return task.finished(); });
  EXPECT_EQ(task.result()->message.failed().reason(), "no key");
}

TEST_F(TransportTest, ChannelRefusesWhatIsNoMessage) {
  Channel<proto::ToWorker, proto::FromWorker> supervisor(loop_, std::move(far_));
  ASSERT_EQ(::send(near_.get(), "\0\0\0\3\xff\xff\xff", 7, 0), 7);
  Task<Received<proto::FromWorker>> task = supervisor.receive();
  task.start();
  turn_until([&] { return task.finished(); });
  EXPECT_EQ(task.result().error().code, Errc::protocol);
}

}  // namespace
}  // namespace openmmp::ipc
