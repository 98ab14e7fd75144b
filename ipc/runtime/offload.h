// Runs a blocking call on libuv's thread pool and waits for it without blocking the loop.
//
//   auto work = [name] { return look_up(name); };
//   auto looking_up = offload(loop, std::move(work));  // both named: GCC 12.2 trap
//   Addresses a = co_await looking_up;
//
// When the awaiting coroutine is destroyed, a call that has not begun never will. One that has goes
// on to its end on its thread, so it must own everything it touches; its value is dropped on the
// loop's thread.
#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "ipc/runtime/loop.h"

namespace openmmp {

namespace detail {
struct PoolWork;
// Queues `work` on the pool, then calls `done` on the loop's thread; the value ends with `done`.
PoolWork* queue_work(Loop& loop, std::function<void()> work, std::function<void()> done);
// When `work` has not begun, neither it nor `done` will be called. Else this does nothing.
void cancel_work(PoolWork& work);
}  // namespace detail

template <class Function>
class Offload {
  using Value = std::invoke_result_t<Function>;
  struct Shared {  // between the thread, the loop and the awaiter; whoever is last frees it
    explicit Shared(Function f) : function(std::move(f)) {}
    Function function;
    std::optional<Value> value;
    std::coroutine_handle<> waiting;
    detail::PoolWork* work = nullptr;  // until it is done
  };

 public:
  Offload(Loop& loop, Function function)
      : loop_(loop), shared_(std::make_shared<Shared>(std::move(function))) {}
  Offload(Offload&&) = default;
  ~Offload() {
    if (!shared_) return;
    shared_->waiting = {};
    if (shared_->work != nullptr) detail::cancel_work(*shared_->work);
  }
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    shared_->waiting = handle;
    auto shared = shared_;
    shared_->work = detail::queue_work(
        loop_, [shared] { shared->value.emplace(shared->function()); },
        [shared] {
          shared->work = nullptr;
          if (shared->waiting) std::exchange(shared->waiting, {}).resume();
        });
  }
  Value await_resume() { return std::move(*shared_->value); }

 private:
  Loop& loop_;
  std::shared_ptr<Shared> shared_;
};

template <class Function>
Offload<Function> offload(Loop& loop, Function function) {
  return Offload<Function>(loop, std::move(function));
}

}  // namespace openmmp
