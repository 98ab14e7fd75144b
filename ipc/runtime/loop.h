// The event loop of a process: one thread, one libuv loop. It adds to libuv what our sessions need
// and libuv's handles make expensive: timers of 90 bytes that die synchronously, and a queue of
// coroutines to resume "soon" (never from inside another coroutine).
//
// Everything that refers to a Loop must be destroyed before it.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <map>

#include "ipc/runtime/linked_list.h"

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
  ~Loop();  // runs the close callbacks that are left; CHECKs that nothing else is
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop(), or until nothing is left to wait for.
  void run();
  void stop();
  // One turn without waiting. True while anything is left to wait for. For tests.
  bool run_turn();

  // A monotonic clock, read once a turn.
  Millis now() const;
  // The same clock, read now: after a long computation inside one turn.
  void update_now();

  // Resumes waiter.handle before the loop waits again. The waiter leaves whatever list it is in.
  void resume_soon(Waiter& waiter);

  uv_loop_s* uv() { return uv_; }

 private:
  friend class BeforeWait;
  friend class Timer;
  struct Handles;  // the libuv handles of the loop itself
  using Timers = std::multimap<Millis, Timer*>;

  void drain_ready();
  void run_timers();
  void schedule_timer();

  uv_loop_s* uv_;
  Handles* handles_;
  LinkedList<Waiter> ready_;
  LinkedList<BeforeWait> before_wait_;
  Timers timers_;
  Millis scheduled_{-1};
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

// co_await Sleep(loop, 5ms);
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
