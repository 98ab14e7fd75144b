#include "ipc/runtime/loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "ipc/runtime/poll_handle.h"
#include "ipc/runtime/task.h"

namespace {
int refused_registrations = 0;
}

// In place of the C library's: a kernel that is short of memory for a while.
extern "C" int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  if (operation == EPOLL_CTL_ADD && refused_registrations > 0) {
    --refused_registrations;
    errno = ENOSPC;
    return -1;
  }
  return static_cast<int>(syscall(SYS_epoll_ctl, epoll, operation, fd, event));
}

namespace openmmp {
namespace {

struct Fired {
  explicit Fired(std::string& l, char n) : log(l), name(n) {}
  static void callback(void* self) {
    auto* fired = static_cast<Fired*>(self);
    fired->log += fired->name;
  }
  std::string& log;
  char name;
};

TEST(Timer, FiresInOrderOfTimeAndOnlyOnce) {
  Loop loop;
  std::string log;
  Fired a(log, 'a'), b(log, 'b'), c(log, 'c');
  Timer late(loop), early(loop), stopped(loop);
  late.start(Millis(20), Fired::callback, &a);
  early.start(Millis(1), Fired::callback, &b);
  stopped.start(Millis(5), Fired::callback, &c);
  stopped.stop();
  loop.run();
  EXPECT_EQ(log, "ba");
  EXPECT_FALSE(late.active());
}

TEST(Timer, ARestartReplacesTheFirstStart) {
  Loop loop;
  std::string log;
  Fired a(log, 'a'), b(log, 'b');
  Timer timer(loop);
  timer.start(Millis(1), Fired::callback, &a);
  timer.start(Millis(2), Fired::callback, &b);
  loop.run();
  EXPECT_EQ(log, "b");
}

TEST(Timer, MayBeDestroyedByItsCallback) {
  Loop loop;
  auto timer = std::make_unique<Timer>(loop);
  timer->start(
      Millis(1), [](void* owner) { static_cast<std::unique_ptr<Timer>*>(owner)->reset(); }, &timer);
  loop.run();
  EXPECT_EQ(timer, nullptr);
}

TEST(Loop, EndsWhenNothingIsLeft) {
  Loop loop;
  Timer timer(loop);
  timer.start(
      Seconds(3600), [](void*) {}, nullptr);
  EXPECT_TRUE(loop.run_turn());
  timer.stop();
  EXPECT_FALSE(loop.run_turn());
}

Task<> naps(Loop& loop, int& naps_taken) {
  for (int i = 0; i < 3; ++i) {
    Sleep nap(loop, Millis(1));
    co_await nap;
    ++naps_taken;
  }
}

TEST(Sleep, WaitsAndIsCancelledByDestruction) {
  Loop loop;
  int taken = 0;
  Task<> task = naps(loop, taken);
  task.start();
  loop.run();
  EXPECT_EQ(taken, 3);
  {
    Task<> cancelled = naps(loop, taken);
    cancelled.start();
  }
  loop.run();
  EXPECT_EQ(taken, 3);
}

TEST(BeforeWait, IsCalledEachTurnWhileItLives) {
  Loop loop;
  int calls = 0;
  {
    BeforeWait hook(loop, [&calls] { ++calls; });
    loop.run_turn();
    loop.run_turn();
  }
  loop.run_turn();
  EXPECT_EQ(calls, 2);
}

class Sockets : public testing::Test {
 protected:
  Sockets() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ours = UniqueFd(ends[0]);
    theirs = UniqueFd(ends[1]);
  }
  Loop loop;
  UniqueFd ours;
  UniqueFd theirs;
};

TEST_F(Sockets, PollHandleSaysWhatIsReady) {
  int events = 0;
  PollHandle handle(loop, std::move(ours));
  handle.set_owner(&events, [](void* owner, int ready) { *static_cast<int*>(owner) = ready; });
  handle.watch(PollHandle::readable);
  loop.run_turn();
  EXPECT_EQ(events, 0);
  ASSERT_EQ(write(theirs.get(), "x", 1), 1);
  loop.run_turn();
  EXPECT_EQ(events, PollHandle::readable);
  handle.watch(PollHandle::readable | PollHandle::writable);
  loop.run_turn();
  EXPECT_EQ(events, PollHandle::readable | PollHandle::writable);
  events = 0;
  handle.watch(0);
  loop.run_turn();
  EXPECT_EQ(events, 0);
}

TEST_F(Sockets, PollHandleMayBeClosedByItsCallback) {
  auto handle = std::make_unique<PollHandle>(loop, std::move(ours));
  handle->set_owner(
      &handle, [](void* owner, int) { static_cast<std::unique_ptr<PollHandle>*>(owner)->reset(); });
  handle->watch(PollHandle::readable);
  theirs.reset();
  loop.run_turn();
  EXPECT_EQ(handle, nullptr);
}

// Sends a byte back each time it gets one, until it has had enough.
struct Player {
  Player(Loop& loop, UniqueFd fd) : handle(loop, std::move(fd)) {
    handle.set_owner(this, [](void* self, int) { static_cast<Player*>(self)->play(); });
    handle.watch(PollHandle::readable);
  }
  void play() {
    char ball = 0;
    EXPECT_EQ(read(handle.fd(), &ball, 1), 1);
    if (++hits == enough) handle.watch(0);
    EXPECT_EQ(write(handle.fd(), &ball, 1), 1);
  }
  static constexpr int enough = 200;
  PollHandle handle;
  int hits = 0;
};

TEST(Loop, ThatGathersServesEverybody) {
  Loop loop;
  loop.gather();
  std::vector<std::unique_ptr<Player>> players;
  for (int i = 0; i < 8; ++i) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ASSERT_EQ(write(ends[0], "x", 1), 1);
    for (const int end : ends) players.push_back(std::make_unique<Player>(loop, UniqueFd(end)));
  }
  loop.run();
  for (const auto& player : players) EXPECT_EQ(player->hits, Player::enough);
}

TEST_F(Sockets, ARegistrationThatTheKernelRefusedIsTriedAgain) {
  int events = 0;
  PollHandle handle(loop, std::move(ours));
  handle.set_owner(&events, [](void* owner, int ready) { *static_cast<int*>(owner) = ready; });
  PollHandle other(loop, std::move(theirs));
  other.set_owner(&events, [](void*, int) {});
  ASSERT_EQ(write(other.fd(), "x", 1), 1);
  loop.run_turn();  // libuv registers its own, and ends the process when refused
  refused_registrations = 4;
  handle.watch(PollHandle::writable);
  other.watch(PollHandle::readable);
  handle.watch(PollHandle::readable);
  EXPECT_EQ(refused_registrations, 1);
  EXPECT_TRUE(loop.run_turn());
  EXPECT_EQ(events, 0);
  loop.run_turn();
  loop.run_turn();
  EXPECT_EQ(events, PollHandle::readable);
}

TEST_F(Sockets, AHandleMayBeClosedWhileTheKernelRefusesIt) {
  loop.run_turn();
  refused_registrations = 2;
  {
    PollHandle handle(loop, std::move(ours));
    handle.watch(PollHandle::readable);
    handle.watch(0);
    handle.watch(PollHandle::writable);
    EXPECT_EQ(refused_registrations, 0);
  }
  EXPECT_FALSE(loop.run_turn());
}

TEST_F(Sockets, ReleaseGivesTheDescriptorAwayOpen) {
  PollHandle handle(loop, std::move(ours));
  handle.watch(PollHandle::readable);
  const UniqueFd fd = handle.release();
  loop.run_turn();
  EXPECT_EQ(write(fd.get(), "x", 1), 1);
}

}  // namespace
}  // namespace openmmp
