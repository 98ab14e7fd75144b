// Task<T>: "a T later, or an Error". A coroutine that is lazy, has one owner, and is cancelled by
// being destroyed.
//
//   T value = co_await task();                    // the T, or this coroutine ends with that Error
//   Result<T> r = co_await attempt(task());       // the T or the Error, to look at
//   T value = co_await parse(line);               // the same for a plain Result<T>
//   co_await fail(Errc::protocol, "why");         // ends this coroutine
//
// Every line that can wait or leave carries the word co_await, and no other line can.
//
// Lifetime rules (CONTRIBUTING.md has them with their reasons):
//  - A Task starts when it is awaited or start()ed. Its owner is the awaiting coroutine's frame or
//    the object that start()ed it. Destroying it destroys the frame, and with it every child and
//    every awaiter: an awaiter withdraws from whatever it waits on in its destructor.
//  - A callback resumes a coroutine as its last statement: the resumed coroutine may destroy the
//    object that the callback belongs to.
//  - Parameters of a coroutine are values, or references to what the caller or the session keeps
//    alive until the coroutine ends. No string_view parameters, no coroutine lambdas.
//  - GCC 12.2 destroys aggregate temporaries and capturing lambdas twice when they are written
//    inside a co_await expression. Name them first. scripts/check-style looks for it.
#pragma once

#include <coroutine>
#include <utility>

#include "ipc/runtime/promise.h"

namespace openmmp {

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() { destroy(); }

  // Runs a top-level task until its first wait. `on_done(argument)` is called once when it has
  // finished; it must not destroy the Task, whose last frames are still on the stack.
  void start(void (*on_done)(void*) = nullptr, void* argument = nullptr) {
    promise().on_done_ = on_done;
    promise().on_done_argument_ = argument;
    handle_.resume();
  }
  bool finished() const { return handle_.promise().finished(); }
  Result<T>& result() { return handle_.promise().result(); }

  promise_type& promise() { return handle_.promise(); }
  void resume() { handle_.resume(); }
  void destroy() {
    if (handle_) std::exchange(handle_, {}).destroy();
  }

 private:
  std::coroutine_handle<promise_type> handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

// co_await attempt(task) gives a Result<T> instead of ending the awaiting coroutine on an Error.
template <class T>
detail::Attempt<T> attempt(Task<T> task) {
  return detail::Attempt<T>(std::move(task));
}

}  // namespace openmmp
