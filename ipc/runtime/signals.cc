#include "ipc/runtime/signals.h"

#include <signal.h>
#include <uv.h>

namespace openmmp {

struct SignalWatch::Block {
  uv_signal_t signal;
  void* owner;
  Callback callback;
};

SignalWatch::SignalWatch(Loop& loop, int signal, void* owner, Callback callback)
    : block_(new Block) {
  block_->owner = owner;
  block_->callback = callback;
  CHECK(uv_signal_init(loop.uv(), &block_->signal) == 0);
  block_->signal.data = block_;
  uv_unref(reinterpret_cast<uv_handle_t*>(&block_->signal));
  const int started = uv_signal_start(
      &block_->signal,
      [](uv_signal_t* handle, int) {
        const auto* block = static_cast<Block*>(handle->data);
        block->callback(block->owner);
      },
      signal);
  CHECK(started == 0);
}

SignalWatch::~SignalWatch() {
  uv_close(reinterpret_cast<uv_handle_t*>(&block_->signal),
           [](uv_handle_t* handle) { delete static_cast<Block*>(handle->data); });
}

void ignore_broken_pipes() { ::signal(SIGPIPE, SIG_IGN); }

}  // namespace openmmp
