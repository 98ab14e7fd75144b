#include "ipc/runtime/stream_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string>

namespace openmmp {
namespace {

// A socket on the loop with its owner, and the other end, which is not.
struct End {
  explicit End(Loop& loop) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    socket = std::make_unique<StreamSocket>(loop, UniqueFd(ends[0]));
    peer = UniqueFd(ends[1]);
    socket->set_owner(this, [](void* self, int happened) {
      auto* end = static_cast<End*>(self);
      end->events |= happened;
      if (end->on_event) end->on_event();
    });
  }
  // All that the peer can read now; "EOF" behind it, if that is there.
  std::string heard() {
    std::string all;
    char buffer[4096];
    ssize_t got;
    while ((got = recv(peer.get(), buffer, sizeof buffer, 0)) > 0) {
      all.append(buffer, static_cast<size_t>(got));
    }
    return got == 0 ? all + "EOF" : all;
  }
  void say(std::string_view text) {
    EXPECT_EQ(::send(peer.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  bool send(std::string_view text) { return socket->send(text.data(), text.size()); }
  std::string receive(size_t room = 100) {
    std::string text(room, '\0');
    const auto [count, filled] = socket->receive(text.data(), room);
    is_filled = filled;
    if (count < 0) return std::string("error ") + std::to_string(errno);
    text.resize(static_cast<size_t>(count));
    return count == 0 ? "EOF" : text;
  }
  bool kernel_has_input() const {
    char byte;
    return recv(socket->fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
  }
  // As much as the kernel takes for a peer that does not read, and more.
  std::string flood() {
    std::string sent;
    const std::string block(40'000, 'x');
    while (!socket->has_unsent()) {
      EXPECT_TRUE(send(block));
      sent += block;
    }
    return sent;
  }

  std::unique_ptr<StreamSocket> socket;
  UniqueFd peer;
  int events = 0;
  bool is_filled = false;
  std::function<void()> on_event;
};

// Together and one by one: true and false.
class StreamSockets : public testing::TestWithParam<bool> {
 protected:
  StreamSockets() { EXPECT_EQ(GetParam() && loop.join_calls(1), GetParam()); }
  Loop loop;
};

TEST_P(StreamSockets, SendWhenTheTurnEnds) {
  End a(loop);
  End b(loop);
  EXPECT_TRUE(a.send("one "));
  EXPECT_TRUE(a.send("two"));
  EXPECT_TRUE(b.send("three"));
  EXPECT_EQ(a.socket->unsent(), 7u);
  EXPECT_FALSE(a.socket->has_unsent());
  EXPECT_EQ(a.heard(), "");
  loop.run_turn();
  EXPECT_EQ(a.heard(), "one two");
  EXPECT_EQ(b.heard(), "three");
  EXPECT_EQ(a.socket->unsent(), 0u);
}

TEST_P(StreamSockets, SendAtOnceWhatIsLongOrHasToGo) {
  End end(loop);
  EXPECT_TRUE(end.send("first, "));
  const std::string text(20'000, 'y');
  EXPECT_TRUE(end.send(text));
  EXPECT_EQ(end.heard(), "first, " + text);
  EXPECT_TRUE(end.send("last"));
  end.socket->flush();
  EXPECT_EQ(end.heard(), "last");
}

TEST_P(StreamSockets, KeepWhatThePeerDoesNotTake) {
  End end(loop);
  std::string sent = end.flood();
  EXPECT_TRUE(end.send("and this"));
  sent += "and this";
  end.socket->end();
  loop.run_turn();
  EXPECT_TRUE(end.socket->has_unsent());
  end.on_event = [&] { end.socket->flush(); };
  std::string heard = end.heard();
  for (int turns = 0; turns < 1000 && !heard.ends_with("EOF"); ++turns) {
    loop.run_turn();
    heard += end.heard();
  }
  EXPECT_TRUE(heard == sent + "EOF");
  EXPECT_EQ(end.socket->unsent(), 0u);
}

TEST_P(StreamSockets, SayTheirLastWords) {
  End end(loop);
  EXPECT_TRUE(end.send("good bye"));
  end.socket.reset();
  loop.run_turn();
  EXPECT_EQ(end.heard(), "good byeEOF");
}

TEST_P(StreamSockets, GoBeforeTheyAreRegistered) {
  End a(loop);
  End b(loop);
  a.socket.reset();
  b.socket = std::make_unique<StreamSocket>();
  EXPECT_FALSE(loop.run_turn());
  EXPECT_EQ(a.heard(), "EOF");
  EXPECT_EQ(b.heard(), "EOF");
}

TEST_P(StreamSockets, EndBehindWhatWaits) {
  End a(loop);
  End b(loop);
  EXPECT_TRUE(a.send("words"));
  a.socket->end();
  b.socket->end();
  EXPECT_EQ(b.heard(), "EOF");
  loop.run_turn();
  EXPECT_EQ(a.heard(), "wordsEOF");
}

TEST_P(StreamSockets, TellWhenAllIsSent) {
  End end(loop);
  loop.run_turn();
  end.events = 0;
  EXPECT_TRUE(end.send("words"));
  loop.run_turn();
  EXPECT_EQ(end.events, 0);
  EXPECT_TRUE(end.send("words"));
  end.socket->tell_when_sent();
  loop.run_turn();
  EXPECT_EQ(end.events, PollHandle::writable);
}

// Whoever was told may have made work for those who are called before the loop waits.
TEST_P(StreamSockets, LetTheLoopGoOnAfterTheyHaveTold) {
  End end(loop);
  loop.run_turn();
  bool is_told = false;
  BeforeWait hook(loop, [&] {
    if (is_told) loop.stop();
  });
  end.on_event = [&] { is_told = true; };
  EXPECT_TRUE(end.send("words"));
  end.socket->tell_when_sent();
  loop.run();
  EXPECT_TRUE(is_told);
}

TEST_P(StreamSockets, TellOfASendThatFails) {
  End a(loop);
  End b(loop);
  loop.run_turn();
  EXPECT_EQ(shutdown(a.socket->fd(), SHUT_WR), 0);
  loop.run_turn();
  a.events = 0;
  // One goes away when the other hears of it.
  a.on_event = [&] { b.socket.reset(); };
  EXPECT_TRUE(a.send("in vain"));
  EXPECT_TRUE(b.send("words"));
  loop.run_turn();
  EXPECT_NE(a.events & PollHandle::failed, 0);
  EXPECT_EQ(a.socket->error(), EPIPE);
  EXPECT_FALSE(a.send("again"));
  EXPECT_EQ(errno, EPIPE);
  EXPECT_EQ(b.heard(), "wordsEOF");
}

TEST_P(StreamSockets, LeaveNothingOfAFailureToTheNext) {
  End a(loop);
  End b(loop);
  EXPECT_EQ(shutdown(a.socket->fd(), SHUT_WR), 0);
  EXPECT_TRUE(a.send("in vain"));
  loop.run_turn();
  a.socket.reset();
  loop.run_turn();
  EXPECT_TRUE(b.send("words"));
  loop.run_turn();
  EXPECT_EQ(b.heard(), "words");
  EXPECT_EQ(b.socket->error(), 0);
}

// An owner that is not ready to read hears of what comes, but not again when it takes what came
// before: that must not look like all there is.
TEST_P(StreamSockets, RememberThatMoreHasComeSince) {
  End end(loop);
  end.say("one");
  loop.run_turn();
  end.say(" two");
  loop.run_turn();
  std::string heard = end.receive();
  if (GetParam()) {
    EXPECT_EQ(heard, "one");
    EXPECT_TRUE(end.is_filled);
    heard += end.receive();
  }
  EXPECT_EQ(heard, "one two");
}

TEST_P(StreamSockets, ReceiveInPieces) {
  End end(loop);
  std::string heard;
  end.say("hello, world");
  end.on_event = [&] {
    if (heard.empty()) heard = end.receive(5);
  };
  loop.run_turn();
  EXPECT_EQ(heard, "hello");
  EXPECT_TRUE(end.is_filled);
  EXPECT_EQ(end.kernel_has_input(), !GetParam());
  loop.run_turn();
  EXPECT_EQ(end.receive(), ", world");
  EXPECT_FALSE(end.is_filled);
  EXPECT_EQ(end.receive(), "error " + std::to_string(EAGAIN));
}

TEST_P(StreamSockets, ReceiveMoreThanIsReadAhead) {
  End end(loop);
  const std::string text(30'000, 'z');
  end.say(text);
  std::string heard;
  end.on_event = [&] {
    do {
      heard += end.receive(16'384);
    } while (end.is_filled);
  };
  loop.run_turn();
  EXPECT_TRUE(heard == text);
}

TEST_P(StreamSockets, ReceiveTheEndAndErrors) {
  End end(loop);
  end.say("bye");
  end.peer.reset();
  std::string heard;
  end.on_event = [&] {
    heard = end.receive();
    heard += end.receive();
  };
  loop.run_turn();
  EXPECT_EQ(heard, "byeEOF");
}

TEST_P(StreamSockets, MayGoWithWhatWasReadForThem) {
  End a(loop);
  End b(loop);
  a.say("one");
  b.say("two");
  a.on_event = [&] { b.socket.reset(); };
  b.on_event = [&] { a.socket.reset(); };
  loop.run_turn();
  EXPECT_TRUE((a.socket == nullptr) != (b.socket == nullptr));
}

TEST_P(StreamSockets, LeaveTheReadingToWhoWantsTo) {
  End end(loop);
  end.socket->allow_read_ahead(false);
  end.say("words");
  loop.run_turn();
  EXPECT_TRUE(end.kernel_has_input());
  EXPECT_EQ(end.receive(), "words");
}

INSTANTIATE_TEST_SUITE_P(Ways, StreamSockets, testing::Bool(), [](const auto& way) {
  return way.param ? std::string("Together") : std::string("OneByOne");
});

}  // namespace
}  // namespace openmmp
