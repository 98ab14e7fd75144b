#include "ipc/runtime/offload.h"

#include <uv.h>

#include <tuple>

namespace openmmp::detail {

struct PoolWork {
  uv_work_t request;
  std::function<void()> run;
  std::function<void()> done;
};

PoolWork* queue_work(Loop& loop, std::function<void()> work, std::function<void()> done) {
  auto* queued = new PoolWork{{}, std::move(work), std::move(done)};
  queued->request.data = queued;
  const int status = uv_queue_work(
      loop.uv(), &queued->request, [](uv_work_t* r) { static_cast<PoolWork*>(r->data)->run(); },
      [](uv_work_t* r, int end) {
        const std::unique_ptr<PoolWork> owned(static_cast<PoolWork*>(r->data));
        if (end != UV_ECANCELED) owned->done();
      });
  CHECK(status == 0);
  return queued;
}

void cancel_work(PoolWork& work) {
  // Refused when a thread has it: it calls back in any case.
  std::ignore = uv_cancel(static_cast<uv_req_t*>(static_cast<void*>(&work.request)));
}

}  // namespace openmmp::detail
