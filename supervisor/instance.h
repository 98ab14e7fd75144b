// The directory of an instance as a running mmpd sees it: run/ with the pid file, whose lock is
// what makes a second mmpd on the same directory impossible, and the control socket.
#pragma once

#include <sys/types.h>

#include <string>

#include "ipc/runtime/result.h"
#include "ipc/runtime/unique_fd.h"

namespace openmmp::supervisor {

// Both relative to the instance directory, which is the working directory of mmpd and mmpctl: a
// socket's path may have no more than 107 characters.
constexpr const char* pid_file_path = "run/mmpd.pid";
constexpr const char* control_socket_path = "run/control.sock";

// Locked as long as this lives; the lock goes with the process, however it ends.
class PidFile {
 public:
  // Errc::refused: "already running, pid N".
  static Result<PidFile> lock();
  // After a fork the lock is the child's too, and the pid in the file is to be its own.
  Result<> write();
  // When mmpd ends as it should.
  void remove();

 private:
  explicit PidFile(UniqueFd file) : file_(std::move(file)) {}
  UniqueFd file_;
};

// The directory of our own executable: workers are beside it.
std::string executable_directory();

}  // namespace openmmp::supervisor
