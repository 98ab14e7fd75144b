#include "workers/proxy/dial.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <list>
#include <map>
#include <mutex>
#include <thread>

#include "ipc/runtime/socket.h"
#include "tests/unit/proxy/sockets.h"

namespace openmmp::proxy {
namespace {

// A system's resolver that answers when the test says so: "aN" has the address 192.0.2.1.
class Names {
 public:
  ~Names() { answer_all(); }
  Result<Addresses> look_up(const std::string& name) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++asked_[name];
    }
    const int now = ++running_;
    if (now > most_) most_ = now;
    released_.wait();
    --running_;
    if (name.front() != 'a') return fail(Errc::unavailable, "no such name");
    return Addresses(1, *SocketAddress::parse("192.0.2.1", 0));
  }
  Resolver::LookUp function() {
    return [this](const std::string& name) { return look_up(name); };
  }
  void answer_all() {
    if (!std::exchange(answered_, true)) release_.set_value();
  }
  void wait_until_running(int count) {
    while (running_ < count) std::this_thread::yield();
  }
  int asked(const std::string& name) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return asked_[name];
  }
  int most() const { return most_; }

 private:
  std::mutex mutex_;
  std::map<std::string, int> asked_;
  std::atomic<int> running_{0};
  std::atomic<int> most_{0};
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
  bool answered_ = false;
};

class ResolverTest : public testing::Test {
 protected:
  ~ResolverTest() override { names.answer_all(); }
  Task<Addresses>& ask(const std::string& name, Millis time = Seconds(3600)) {
    tasks.push_back(resolver.resolve(HostPort(name, 143), time));
    tasks.back().start();
    return tasks.back();
  }
  void finish(const Task<Addresses>& task) {
    while (!task.finished()) loop.run_turn();
  }
  Names names;  // outlives the loop, which waits for the threads that ask
  Loop loop;
  Resolver resolver{loop, names.function()};
  std::list<Task<Addresses>> tasks;
};

TEST_F(ResolverTest, AnAddressIsNotLookedUp) {
  for (const char* literal : {"192.0.2.7", "2001:db8::1"}) {
    Task<Addresses>& task = ask(literal);
    ASSERT_TRUE(task.finished());
    EXPECT_EQ(task.result()->front().ip(), literal);
    EXPECT_EQ(names.asked(literal), 0);
  }
}

TEST_F(ResolverTest, OneLookUpAnswersAllWhoAsk) {
  Task<Addresses>& first = ask("a1");
  Task<Addresses>& second = ask("a1");
  names.answer_all();
  finish(first);
  finish(second);
  EXPECT_EQ(first.result()->front().to_string(), "192.0.2.1:143");
  EXPECT_EQ(second.result()->front().to_string(), "192.0.2.1:143");
  EXPECT_EQ(names.asked("a1"), 1);
  // Answers are not kept.
  finish(ask("a1"));
  EXPECT_EQ(names.asked("a1"), 2);
}

TEST_F(ResolverTest, TheFirstMayLeaveBeforeTheAnswer) {
  ask("a1");
  Task<Addresses>& second = ask("a1");
  tasks.pop_front();
  names.answer_all();
  finish(second);
  EXPECT_TRUE(second.result());
  EXPECT_EQ(names.asked("a1"), 1);
}

TEST_F(ResolverTest, TellsAllWhyNot) {
  Task<Addresses>& task = ask("b");
  names.answer_all();
  finish(task);
  EXPECT_EQ(task.result().error(), Error(Errc::unavailable, "no such name"));
}

TEST_F(ResolverTest, ASlowNameHasALimit) {
  Task<Addresses>& task = ask("a1", Millis(2));
  finish(task);
  EXPECT_EQ(task.result().error(), Error(Errc::unavailable, "no address for 'a1' within 0.002 s"));
  // The look-up goes on, and answers the next who asks.
  names.wait_until_running(1);
  Task<Addresses>& next = ask("a1");
  names.answer_all();
  finish(next);
  EXPECT_TRUE(next.result());
  EXPECT_EQ(names.asked("a1"), 1);
}

TEST_F(ResolverTest, FewLookUpsAtATimeAndAllGetTheirTurn) {
  for (int i = 0; i < 20; ++i) ask("a" + std::to_string(i));
  names.wait_until_running(Resolver::most_at_once);
  loop.run_turn();
  names.answer_all();
  for (const Task<Addresses>& task : tasks) finish(task);
  EXPECT_EQ(names.most(), Resolver::most_at_once);
}

TEST_F(ResolverTest, WhatNobodyWaitsForIsNotLookedUp) {
  ask("a1");
  ask("a2");
  ask("a3");
  tasks.pop_back();
  Task<Addresses>& last = ask("a4");
  names.answer_all();
  finish(last);
  EXPECT_EQ(names.asked("a3"), 0);
}

TEST_F(ResolverTest, RefusesMoreNamesThanItCanHold) {
  for (size_t i = 0; i < Resolver::most_names; ++i) ask("a" + std::to_string(i));
  Task<Addresses>& over = ask("a-further");
  ASSERT_TRUE(over.finished());
  EXPECT_EQ(over.result().error(), Error(Errc::unavailable,
                                         "no address for 'a-further': 256 other names are being "
                                         "looked up"));
  // A name that is among them has its place, and so has a new one when somebody leaves.
  EXPECT_FALSE(ask("a100").finished());
  tasks.erase(std::next(tasks.begin(), 50));
  EXPECT_FALSE(ask("a-new").finished());
}

TEST(LookUp, AsksTheSystem) {
  const Result<Addresses> addresses = look_up("localhost");
  ASSERT_TRUE(addresses) << addresses.error().detail;
  EXPECT_FALSE(addresses->empty());
}

TEST(Dial, SaysWhichAddressRefused) {
  auto [ours, theirs] = tcp_pair();  // its listener is gone, its port is not taken
  const SocketAddress address = local_address(theirs.get());
  Loop loop;
  Resolver resolver(loop);
  Store store;
  store.connect_timeout = Seconds(5);
  Task<Connection> task = dial(loop, resolver, HostPort("127.0.0.1", address.port()), store);
  task.start();
  while (!task.finished()) loop.run_turn();
  ASSERT_FALSE(task.result());
  EXPECT_EQ(task.result().error(),
            Error(Errc::unavailable, address.to_string() + ": Connection refused"));
}

}  // namespace
}  // namespace openmmp::proxy
