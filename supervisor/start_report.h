// How the start goes, told to whoever typed the command. In the background the command waits until
// the first generation is up and then exits with our status; in the foreground there is nobody else
// to tell.
#pragma once

#include <string>

#include "ipc/runtime/result.h"
#include "ipc/runtime/unique_fd.h"

namespace openmmp::supervisor {

class StartReport {
 public:
  static StartReport foreground() { return StartReport(); }
  // Forks: this process waits for the report and exits; the new one, of its own session and
  // without a terminal, goes on. To be called while there is one thread and no Loop.
  static Result<StartReport> background();

  // A line on the standard error of the command.
  void say(const std::string& line);
  // Ends the command, and lets go of its terminal.
  void finish(int status);

 private:
  StartReport() = default;
  UniqueFd terminal_;
  UniqueFd waiting_;  // the pipe to the command
};

}  // namespace openmmp::supervisor
