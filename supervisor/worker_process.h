// One worker as the supervisor holds it: the process, the channel to it, and the last that it said
// of itself. What the worker says goes to a handler; its end is looked for with ended().
//
// It must not be destroyed from inside its handler, whose caller is its own coroutine.
#pragma once

#include <functional>
#include <optional>

#include "ipc/handover.h"
#include "ipc/runtime/child_process.h"
#include "supervisor/process_table.h"

namespace openmmp::supervisor {

class WorkerProcess {
 public:
  // nullptr: the channel is closed, nothing more will come.
  using Handler = std::function<void(ProcessId, const proto::FromWorker*)>;

  struct End {
    int status = 0;
    int signal = 0;
    std::string to_string() const;  // "exit status 1", "signal 11"
  };

  WorkerProcess(Loop& loop, ProcessId id, ChildProcess process, UniqueFd channel, Handler handler);

  // From now on `handler` is called, perhaps at once.
  void start() { listening_.start(); }
  Result<> send(const proto::ToWorker& message, ipc::Descriptors descriptors = {}) {
    return channel_.send(message, std::move(descriptors));
  }
  void kill();
  pid_t pid() const { return process_.pid(); }
  // Set when the process is gone and all that it said has been handled.
  const std::optional<End>& ended() const { return talking_ ? never_ : end_; }

  proto::Status status;         // as last reported
  bool status_pending = false;  // a StatusQuery is under way
  bool dismissed = false;       // told to leave: its end is no failure
  std::optional<Time> ready_since;
  std::string problem;  // why it is about to end, when we know better than its status

 private:
  Task<> listen();
  static void on_exit(void* self, int status, int signal);

  const ProcessId id_;
  ChildProcess process_;
  ipc::ToWorkerChannel channel_;
  Handler handler_;
  bool talking_ = true;
  std::optional<End> end_;
  const std::optional<End> never_;
  Task<> listening_;
};

}  // namespace openmmp::supervisor
