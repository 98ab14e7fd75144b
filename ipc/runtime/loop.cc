#include "ipc/runtime/loop.h"

#include <uv.h>

namespace openmmp {

struct Loop::Handles {
  uv_loop_t loop;
  uv_prepare_t prepare;
  uv_idle_t idle;  // active while ready_ is not empty, so that the loop does not wait
  uv_timer_t timer;
};

BeforeWait::BeforeWait(Loop& loop, std::function<void()> callback)
    : callback_(std::move(callback)) {
  loop.before_wait_.push_back(*this);
}

Loop::Loop() : handles_(new Handles) {
  uv_ = &handles_->loop;
  CHECK(uv_loop_init(uv_) == 0);
  uv_prepare_init(uv_, &handles_->prepare);
  uv_idle_init(uv_, &handles_->idle);
  uv_timer_init(uv_, &handles_->timer);
  handles_->prepare.data = handles_->timer.data = this;
  uv_prepare_start(&handles_->prepare,
                   [](uv_prepare_t* handle) { static_cast<Loop*>(handle->data)->drain_ready(); });
  // These three are the loop's own: they do not keep run() going.
  uv_unref(reinterpret_cast<uv_handle_t*>(&handles_->prepare));
}

Loop::~Loop() {
  uv_close(reinterpret_cast<uv_handle_t*>(&handles_->prepare), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&handles_->idle), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&handles_->timer), nullptr);
  while (uv_run(uv_, UV_RUN_NOWAIT) != 0) {
  }
  CHECK(uv_loop_close(uv_) == 0);
  delete handles_;
}

void Loop::run() { uv_run(uv_, UV_RUN_DEFAULT); }
void Loop::stop() { uv_stop(uv_); }
bool Loop::run_turn() {
  // A loop with nothing to wait for would not turn at all.
  auto* prepare = reinterpret_cast<uv_handle_t*>(&handles_->prepare);
  uv_ref(prepare);
  uv_run(uv_, UV_RUN_NOWAIT);
  uv_unref(prepare);
  return uv_loop_alive(uv_) != 0;
}

Millis Loop::now() const { return Millis(uv_now(uv_)); }
void Loop::update_now() { uv_update_time(uv_); }

void Loop::resume_soon(Waiter& waiter) {
  ready_.push_back(waiter);
  uv_idle_start(&handles_->idle, [](uv_idle_t*) {});
}

void Loop::drain_ready() {
  // Only those that are ready now: what they make ready in turn waits for the next turn, so that
  // two coroutines waking one another cannot keep the loop from its sockets.
  LinkedList<Waiter> batch;
  ready_.for_each([&batch](Waiter& waiter) { batch.push_back(waiter); });
  while (!batch.empty()) {
    Waiter& waiter = batch.front();
    waiter.unlink();
    waiter.handle.resume();
  }
  before_wait_.for_each([](BeforeWait& hook) { hook.callback_(); });
  if (ready_.empty()) uv_idle_stop(&handles_->idle);
}

void Loop::schedule_timer() {
  if (timers_.empty()) {
    scheduled_ = Millis(-1);
    uv_timer_stop(&handles_->timer);
    return;
  }
  const Millis first = timers_.begin()->first;
  // A later first timer is left to a callback that finds nothing due: stopping timers is far more
  // common than their running out.
  if (scheduled_ >= Millis(0) && scheduled_ <= first) return;
  scheduled_ = first;
  const Millis wait = first > now() ? first - now() : Millis(0);
  uv_timer_start(
      &handles_->timer, [](uv_timer_t* timer) { static_cast<Loop*>(timer->data)->run_timers(); },
      static_cast<uint64_t>(wait.count()), 0);
}

void Loop::run_timers() {
  scheduled_ = Millis(-1);
  const Millis deadline = now();
  while (!timers_.empty() && timers_.begin()->first <= deadline) {
    Timer* timer = timers_.begin()->second;
    timers_.erase(timers_.begin());
    timer->active_ = false;
    timer->callback_(timer->argument_);
  }
  schedule_timer();
}

void Timer::start(Millis after, void (*callback)(void*), void* argument) {
  stop();
  callback_ = callback;
  argument_ = argument;
  position_ = loop_.timers_.emplace(loop_.now() + after, this);
  active_ = true;
  loop_.schedule_timer();
}

void Timer::stop() {
  if (!active_) return;
  active_ = false;
  loop_.timers_.erase(position_);
  if (loop_.timers_.empty()) loop_.schedule_timer();
}

}  // namespace openmmp
