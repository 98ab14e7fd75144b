#include "ipc/runtime/task.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/offload.h"
#include "ipc/runtime/task_set.h"

namespace openmmp {
namespace {

// Suspends until the test resumes it, and withdraws when it is destroyed.
class Pause {
 public:
  explicit Pause(std::coroutine_handle<>& slot) : slot_(slot) {}
  ~Pause() { slot_ = {}; }
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) { slot_ = handle; }
  void await_resume() const {}

 private:
  std::coroutine_handle<>& slot_;
};

struct CountsLife {
  explicit CountsLife(int& c) : count(c) { ++count; }
  ~CountsLife() { --count; }
  int& count;
};

Result<int> parse(bool good) {
  if (!good) return fail(Errc::protocol, "bad");
  return 7;
}
Task<int> value_of(bool good) { co_return co_await parse(good); }
Task<int> value_after(std::coroutine_handle<>& slot, bool good) {
  Pause pause(slot);
  co_await pause;
  co_return parse(good);
}
Task<std::string> twice(bool good) {
  const int value = co_await value_of(good);
  co_return std::to_string(2 * value);
}

TEST(Task, GivesItsValue) {
  Task<std::string> task = twice(true);
  EXPECT_FALSE(task.finished());
  task.start();
  ASSERT_TRUE(task.finished());
  EXPECT_EQ(*task.result(), "14");
}

TEST(Task, AnErrorEndsEveryCoroutineThatDoesNotLook) {
  Task<std::string> task = twice(false);
  task.start();
  ASSERT_TRUE(task.finished());
  EXPECT_EQ(task.result().error().code, Errc::protocol);
  EXPECT_EQ(task.result().error().detail, "bad");
}

Task<int> looks(std::coroutine_handle<>& slot, bool good) {
  const Result<int> value = co_await attempt(value_after(slot, good));
  co_return value ? *value : -1;
}

TEST(Task, AttemptLooksAtTheErrorAfterAWait) {
  std::coroutine_handle<> slot;
  Task<int> task = looks(slot, false);
  task.start();
  EXPECT_FALSE(task.finished());
  slot.resume();
  ASSERT_TRUE(task.finished());
  EXPECT_EQ(*task.result(), -1);
}

Task<> fails_at_once() {
  co_await fail(Errc::limit, "enough");
  ADD_FAILURE() << "went on behind fail()";
}

TEST(Task, FailEndsAVoidTask) {
  Task<> task = fails_at_once();
  task.start();
  ASSERT_TRUE(task.finished());
  EXPECT_EQ(task.result().error().code, Errc::limit);
}

Task<> deep(int depth, std::coroutine_handle<>& slot, int& alive) {
  const CountsLife life(alive);
  if (depth > 0) {
    co_await deep(depth - 1, slot, alive);
  } else {
    Pause pause(slot);
    co_await pause;
  }
}

TEST(Task, DestroyingTheOuterTaskDestroysAllFramesAndWithdrawsTheWait) {
  std::coroutine_handle<> slot;
  int alive = 0;
  {
    Task<> task = deep(4, slot, alive);
    task.start();
    EXPECT_EQ(alive, 5);
    EXPECT_TRUE(slot);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(slot);
}

TEST(Task, ATaskThatNeverStartedIsDestroyedQuietly) {
  std::coroutine_handle<> slot;
  int alive = 0;
  { Task<> task = deep(2, slot, alive); }
  EXPECT_EQ(alive, 0);
}

Task<> nothing() { co_return; }
Task<int> many(int count) {
  for (int i = 0; i < count; ++i) co_await nothing();
  for (int i = 0; i < count; ++i) co_await attempt(fails_at_once());
  co_return count;
}

TEST(Task, AMillionAwaitsThatDoNotWaitUseNoStack) {
  Task<int> task = many(1000000);
  task.start();
  ASSERT_TRUE(task.finished());
}

Task<> waits_in(WaitList& list, int& woken) {
  auto wait = list.wait();
  co_await wait;
  ++woken;
}

TEST(WaitList, WakesEveryWaiterThatIsStillThere) {
  Loop loop;
  WaitList list(loop);
  int woken = 0;
  TaskSet set(loop);
  set.start(waits_in(list, woken));
  set.start(waits_in(list, woken));
  {
    Task<> gone = waits_in(list, woken);
    gone.start();
    list.wake_all();
  }
  EXPECT_EQ(woken, 0);  // not from inside whoever called wake_all()
  loop.run_turn();
  EXPECT_EQ(woken, 2);
  EXPECT_EQ(set.size(), 0u);
  EXPECT_TRUE(list.empty());
}

Task<int> offloaded(Loop& loop) {
  auto work = [] { return 42; };
  auto call = offload(loop, std::move(work));
  co_return co_await call;
}

TEST(Offload, BringsTheValueBack) {
  Loop loop;
  Task<int> task = offloaded(loop);
  task.start();
  loop.run();
  ASSERT_TRUE(task.finished());
  EXPECT_EQ(*task.result(), 42);
}

TEST(Offload, SurvivesTheDeathOfWhoWaits) {
  Loop loop;
  {
    Task<int> task = offloaded(loop);
    task.start();
  }
  loop.run();
}

// Calls that hold the four threads of the pool until this is destroyed.
class Blockers {
 public:
  explicit Blockers(Loop& loop) {
    for (int i = 0; i < 4; ++i) {
      tasks_.push_back(block(loop, released_, begun_));
      tasks_.back().start();
    }
    while (begun_ < 4) std::this_thread::yield();
  }
  ~Blockers() { release_.set_value(); }

 private:
  static Task<int> block(Loop& loop, std::shared_future<void> released, std::atomic<int>& begun) {
    auto work = [released, &begun] {
      ++begun;
      released.wait();
      return 0;
    };
    auto call = offload(loop, std::move(work));
    co_return co_await call;
  }
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
  std::atomic<int> begun_{0};
  std::vector<Task<int>> tasks_;
};

Task<int> marks(Loop& loop, std::atomic<bool>& ran) {
  auto work = [&ran] {
    ran = true;
    return 0;
  };
  auto call = offload(loop, std::move(work));
  co_return co_await call;
}

TEST(Offload, WhatHasNotBegunNeverWillWhenNobodyWaits) {
  std::atomic<bool> ran{false};
  {
    Loop loop;
    const Blockers blockers(loop);
    Task<int> task = marks(loop, ran);
    task.start();
  }
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace openmmp
