// A signal as an event of the loop: calls back on the loop's thread, where everything is allowed.
// The Loop must outlive it. It does not keep Loop::run() going.
#pragma once

#include <utility>

#include "ipc/runtime/loop.h"

namespace openmmp {

class SignalWatch {
 public:
  using Callback = void (*)(void* owner);

  // The callback may destroy the SignalWatch.
  SignalWatch(Loop& loop, int signal, void* owner, Callback callback);
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  ~SignalWatch();

 private:
  struct Block;  // on the heap until libuv says the handle is closed
  Block* block_;
};

// A write to a peer that is gone is an error of that write and not the end of the process.
void ignore_broken_pipes();

}  // namespace openmmp
