// The event loop of a process: one thread. Sockets and timers are the loop's own, by epoll(7) and
// in a few dozen bytes each, because a worker has tens of thousands of them and each login sets
// several; libuv, which has what else a process needs (a thread pool, child processes, signals),
// runs inside it, on its backend descriptor.
//
// Everything that refers to a Loop must be destroyed before it.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "ipc/runtime/gathering.h"
#include "ipc/runtime/linked_list.h"
#include "ipc/runtime/socket_turn.h"
#include "ipc/runtime/unique_fd.h"
#include "ipc/runtime/watch.h"

struct uv_loop_s;

namespace openmmp {

using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

class Loop;
class Timer;

// A coroutine that waits in a list, or is about to be resumed. The base of our awaiters.
struct Waiter : ListNode {
  std::coroutine_handle<> handle;
};

// Calls `callback` each time before the loop waits for events, as long as this object lives:
// flushing logs, ending what has finished.
class BeforeWait : public ListNode {
 public:
  BeforeWait(Loop& loop, std::function<void()> callback);

 private:
  friend class Loop;
  std::function<void()> callback_;
};

class Loop {
 public:
  Loop();
  // Waits for calls that are still on the thread pool; CHECKs that nothing else is left.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop(), or until nothing is left to wait for.
  void run();
  void stop() { stopped_ = true; }
  // One turn without waiting. True while anything is left to wait for. For tests.
  bool run_turn();

  // From now on the calls of StreamSockets in one turn are made together; false: the kernel does
  // not let us, and nothing changes. Fewer readers than `fewest` are not worth it.
  bool join_calls(size_t fewest_readers = 2) { return turn_.join(fewest_readers); }

  // From now on it waits a moment for more to come while much is coming, see Gathering.
  void gather() { gathering_.emplace(); }

  // A monotonic clock, read once a turn.
  Millis now() const { return now_; }
  // The same clock, read now: after a long computation inside one turn.
  void update_now();

  // Resumes waiter.handle before the loop waits again. The waiter leaves whatever list it is in.
  void resume_soon(Waiter& waiter) { ready_.push_back(waiter); }

  // For the files of this folder that need libuv.
  uv_loop_s* uv();

 private:
  friend class BeforeWait;
  friend class PollHandle;
  friend class StreamSocket;
  friend class Timer;
  struct Libuv;
  using Timers = std::multimap<Millis, Timer*>;

  using Watch = detail::Watch;
  void update(Watch& watch, uint32_t events);
  bool add(Watch& watch);
  void repeat(Watch& watch);
  void retire(std::unique_ptr<Watch> watch);

  void turn(bool may_wait);
  int wait_time();
  void wait_for_events(int milliseconds);
  void dispatch(std::span<const epoll_event> events);
  void drain_ready();
  void run_timers();
  bool anything_left();

  UniqueFd epoll_;
  detail::SocketTurn turn_;
  std::optional<Gathering> gathering_;
  Millis now_{0};
  std::unique_ptr<Libuv> libuv_;
  LinkedList<Waiter> ready_;
  LinkedList<BeforeWait> before_wait_;
  Timers timers_;
  std::vector<std::unique_ptr<Watch>> retired_;
  LinkedList<Watch> refused_;
  size_t watched_ = 0;  // watches with any event set
  bool stopped_ = false;
};

// Calls back once, `after` milliseconds after start(), unless stopped, restarted or destroyed.
class Timer {
 public:
  explicit Timer(Loop& loop) : loop_(loop) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { stop(); }

  // `callback(argument)` may destroy the timer.
  void start(Millis after, void (*callback)(void*), void* argument);
  void stop();
  bool active() const { return active_; }

 private:
  friend class Loop;
  Loop& loop_;
  Loop::Timers::iterator position_;
  void (*callback_)(void*) = nullptr;
  void* argument_ = nullptr;
  bool active_ = false;
};

// Sleep nap(loop, 5ms); co_await nap;
class Sleep {
 public:
  Sleep(Loop& loop, Millis duration) : timer_(loop), duration_(duration) {}
  bool await_ready() const { return duration_ <= Millis(0); }
  void await_suspend(std::coroutine_handle<> handle) {
    handle_ = handle;
    timer_.start(
        duration_, [](void* self) { static_cast<Sleep*>(self)->handle_.resume(); }, this);
  }
  void await_resume() const {}

 private:
  Timer timer_;
  Millis duration_;
  std::coroutine_handle<> handle_;
};

// A place where coroutines wait until somebody calls wake_all(). It must outlive its waiters or
// wake them first.
class WaitList {
 public:
  explicit WaitList(Loop& loop) : loop_(loop) {}

  class Awaiter : private Waiter {
   public:
    explicit Awaiter(WaitList& list) : list_(list) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) {
      handle = awaiting;
      list_.waiters_.push_back(*this);
    }
    void await_resume() const {}

   private:
    WaitList& list_;
  };

  Awaiter wait() { return Awaiter(*this); }
  void wake_all() {
    waiters_.for_each([this](Waiter& waiter) { loop_.resume_soon(waiter); });
  }
  bool empty() const { return waiters_.empty(); }

 private:
  Loop& loop_;
  LinkedList<Waiter> waiters_;
};

}  // namespace openmmp
