#include "ipc/runtime/offload.h"

#include <uv.h>

namespace openmmp::detail {

namespace {
struct Request {
  uv_work_t work;
  std::function<void()> run;
  std::function<void()> done;
};
}  // namespace

void queue_work(Loop& loop, std::function<void()> work, std::function<void()> done) {
  auto* request = new Request{{}, std::move(work), std::move(done)};
  request->work.data = request;
  const int status = uv_queue_work(
      loop.uv(), &request->work, [](uv_work_t* w) { static_cast<Request*>(w->data)->run(); },
      [](uv_work_t* w, int) {
        const std::unique_ptr<Request> owned(static_cast<Request*>(w->data));
        owned->done();
      });
  CHECK(status == 0);
}

}  // namespace openmmp::detail
