// What stands behind Task: the promise of a coroutine, and what co_await does with a Task, a Result
// or an awaiter. Nobody but task.h includes it.
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "ipc/runtime/check.h"
#include "ipc/runtime/frames.h"
#include "ipc/runtime/result.h"

namespace openmmp {

template <class T>
class Task;

namespace detail {

// The part of a coroutine's state that does not depend on its type.
class PromiseBase {
 public:
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) { free_frame(frame, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
      return finish(&self.promise());
    }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { CHECK(false && "an exception left a coroutine"); }

  // `promise` has its result. Returns what runs next: the coroutine that waits for it, or, when an
  // Error passes through coroutines that only propagate, the first one that looks at it.
  static std::coroutine_handle<> finish(PromiseBase* promise) noexcept {
    for (;;) {
      promise->finished_ = true;
      if (promise->running_inline_) return std::noop_coroutine();
      PromiseBase* waiter = promise->waiter_;
      if (waiter == nullptr) {
        if (promise->on_done_ != nullptr) promise->on_done_(promise->on_done_argument_);
        return std::noop_coroutine();
      }
      if (!promise->failed_ || !promise->propagate_) return promise->waiter_handle_;
      waiter->fail_with(promise->take_error());
      promise = waiter;
    }
  }

  bool finished() const { return finished_; }
  bool failed() const { return failed_; }

 protected:
  PromiseBase() = default;
  ~PromiseBase() = default;
  // Both are called through these pointers rather than virtually, so that a frame carries no vtable
  // and the result can be moved without knowing T.
  void (*set_error_)(PromiseBase*, Error&&) = nullptr;
  Error* (*error_)(PromiseBase*) = nullptr;
  bool failed_ = false;

 private:
  template <class U, bool propagate>
  friend struct TaskAwaiter;
  template <class U>
  friend struct ResultAwaiter;
  template <class U>
  friend class openmmp::Task;

  void fail_with(Error&& error) {
    failed_ = true;
    set_error_(this, std::move(error));
  }
  Error take_error() { return std::move(*error_(this)); }

  PromiseBase* waiter_ = nullptr;
  std::coroutine_handle<> waiter_handle_;
  void (*on_done_)(void*) = nullptr;
  void* on_done_argument_ = nullptr;
  bool propagate_ = true;
  bool running_inline_ = false;  // inside the waiter's await_ready, which will look by itself
  bool finished_ = false;
};

template <class T>
struct Attempt {
  explicit Attempt(Task<T> t) : task(std::move(t)) {}
  Task<T> task;
};

// Awaits a child task. The child runs inside await_ready: in one thread nobody can race us, and a
// child that never waits costs neither a suspension nor stack (GCC 12 has no guaranteed tail call
// when the parent would be resumed from await_suspend).
template <class U, bool propagate>
struct TaskAwaiter {
  explicit TaskAwaiter(Task<U> t) : child(std::move(t)) {}
  bool await_ready() {
    auto& promise = child.promise();
    promise.running_inline_ = true;
    child.resume();
    promise.running_inline_ = false;
    return promise.finished_ && !(promise.failed_ && propagate);
  }
  template <class P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) {
    auto& promise = child.promise();
    PromiseBase& waiter = parent.promise();
    if (promise.finished_) {
      waiter.fail_with(promise.take_error());
      return PromiseBase::finish(&waiter);
    }
    promise.waiter_ = &waiter;
    promise.waiter_handle_ = parent;
    promise.propagate_ = propagate;
    return std::noop_coroutine();
  }
  auto await_resume() {
    Result<U> result = std::move(child.result());
    child.destroy();  // the child's frame does not outlive the statement that awaited it
    if constexpr (!propagate) {
      return result;
    } else if constexpr (!std::is_void_v<U>) {
      return std::move(*result);
    }
  }
  Task<U> child;
};

template <class U>
struct ResultAwaiter {
  explicit ResultAwaiter(Result<U> r) : result(std::move(r)) {}
  bool await_ready() { return result.has_value(); }
  template <class P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) {
    PromiseBase& waiter = parent.promise();
    waiter.fail_with(std::move(result.error()));
    return PromiseBase::finish(&waiter);
  }
  auto await_resume() {
    if constexpr (!std::is_void_v<U>) return std::move(*result);
  }
  Result<U> result;
};

template <class A>
concept Awaiter = requires(A a) {
  a.await_ready();
};

// An awaiter that stays where it is: GCC 12.2 copies what await_transform returns by reference, and
// an awaiter that others point to cannot be copied.
template <class A>
struct AwaiterReference {
  bool await_ready() { return awaiter.await_ready(); }
  auto await_suspend(std::coroutine_handle<> handle) { return awaiter.await_suspend(handle); }
  decltype(auto) await_resume() { return awaiter.await_resume(); }
  A& awaiter;
};

template <class T>
class ResultPromise : public PromiseBase {
 public:
  ResultPromise() {
    set_error_ = [](PromiseBase* base, Error&& error) {
      static_cast<ResultPromise*>(base)->result_.emplace(Failure(std::move(error)));
    };
    error_ = [](PromiseBase* base) { return &static_cast<ResultPromise*>(base)->result_->error(); };
  }
  Result<T>& result() { return *result_; }

  template <class U>
  auto await_transform(Task<U> task) {
    return TaskAwaiter<U, true>(std::move(task));
  }
  template <class U>
  auto await_transform(Attempt<U> attempted) {
    return TaskAwaiter<U, false>(std::move(attempted.task));
  }
  template <class U>
  auto await_transform(tl::expected<U, Error> result) {
    return ResultAwaiter<U>(std::move(result));
  }
  auto await_transform(Failure failure) {
    return ResultAwaiter<void>(Result<>(std::move(failure)));
  }
  template <Awaiter A>
  auto await_transform(A&& awaiter) {
    return AwaiterReference<std::remove_reference_t<A>>{awaiter};
  }

 protected:
  std::optional<Result<T>> result_;
};

template <class T>
class Promise : public ResultPromise<T> {
 public:
  Task<T> get_return_object();
  void return_value(T value) { this->result_.emplace(std::move(value)); }
  void return_value(Failure failure) {
    this->failed_ = true;
    this->result_.emplace(std::move(failure));
  }
  void return_value(Result<T> result) {
    this->failed_ = !result.has_value();
    this->result_.emplace(std::move(result));
  }
};

template <>
class Promise<void> : public ResultPromise<void> {
 public:
  Task<void> get_return_object();
  void return_void() { result_.emplace(); }
};

}  // namespace detail

}  // namespace openmmp
