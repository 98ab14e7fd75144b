#include "supervisor/worker_process.h"

#include <fmt/format.h>
#include <signal.h>

namespace openmmp::supervisor {

std::string WorkerProcess::End::to_string() const {
  return signal != 0 ? fmt::format("signal {}", signal) : fmt::format("exit status {}", status);
}

WorkerProcess::WorkerProcess(Loop& loop, ProcessId id, ChildProcess process, UniqueFd channel,
                             Handler handler)
    : id_(id),
      process_(std::move(process)),
      channel_(loop, std::move(channel)),
      handler_(std::move(handler)),
      listening_(listen()) {
  process_.set_owner(this, on_exit);
}

void WorkerProcess::kill() { process_.kill(SIGKILL); }

Task<> WorkerProcess::listen() {
  for (;;) {
    Result<ipc::Received<proto::FromWorker>> received = co_await attempt(channel_.receive());
    if (!received) break;
    handler_(id_, &received->message);
  }
  // The exit status may come before the last words or after them; ended() waits for both.
  talking_ = false;
  handler_(id_, nullptr);
}

void WorkerProcess::on_exit(void* self, int status, int signal) {
  static_cast<WorkerProcess*>(self)->end_ = End{status, signal};
}

}  // namespace openmmp::supervisor
