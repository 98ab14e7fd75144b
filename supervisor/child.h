// A child process as the supervisor holds it: the process and the channel to it. What it says goes
// to a handler; its end is looked for with ended().
//
// It must not be destroyed from inside its handler, whose caller is its own coroutine.
#pragma once

#include <signal.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "ipc/channel.h"
#include "ipc/runtime/child_process.h"
#include "supervisor/process_table.h"

namespace openmmp::supervisor {

// How a process ended.
struct ChildEnd {
  int status = 0;
  int signal = 0;
  std::string to_string() const;  // "exit status 1", "signal 11"
};

// Out is what it is told, In what it says.
template <class Out, class In>
class Child {
 public:
  // nullptr: the channel is closed, nothing more will come.
  using Handler = std::function<void(ProcessId, const In*)>;

  Child(Loop& loop, ProcessId id, ChildProcess process, UniqueFd channel, Handler handler)
      : id_(id),
        process_(std::move(process)),
        channel_(loop, std::move(channel)),
        handler_(std::move(handler)),
        listening_(listen()) {
    process_.set_owner(this, on_exit);
  }

  // From now on `handler` is called, perhaps at once.
  void start() { listening_.start(); }
  Result<> send(const Out& message, ipc::Descriptors descriptors = {}) {
    return channel_.send(message, std::move(descriptors));
  }
  void kill() { process_.kill(SIGKILL); }
  pid_t pid() const { return process_.pid(); }
  // Set when the process is gone and all that it said has been handled.
  const std::optional<ChildEnd>& ended() const { return talking_ ? never_ : end_; }
  // Why it ended, as far as anybody knows.
  std::string last_problem() const { return problem.empty() ? end_->to_string() : problem; }

  bool dismissed = false;  // told to leave: its end is no failure
  std::optional<Time> ready_since;
  std::string problem;  // why it is about to end, when we know better than its status

 private:
  Task<> listen() {
    for (;;) {
      Result<ipc::Received<In>> received = co_await attempt(channel_.receive());
      if (!received) break;
      handler_(id_, &received->message);
    }
    // The exit status may come before the last words or after them; ended() waits for both.
    talking_ = false;
    handler_(id_, nullptr);
  }
  static void on_exit(void* self, int status, int signal) {
    static_cast<Child*>(self)->end_ = ChildEnd{status, signal};
  }

  const ProcessId id_;
  ChildProcess process_;
  ipc::Channel<Out, In> channel_;
  Handler handler_;
  bool talking_ = true;
  std::optional<ChildEnd> end_;
  const std::optional<ChildEnd> never_;
  Task<> listening_;
};

}  // namespace openmmp::supervisor
