// A child process on the loop. It is born with standard input from nowhere, our standard output and
// error, one descriptor of ours as its descriptor 3, and next to no environment.
//
// The ChildProcess owns the process: destroyed while that runs, it kills it and takes its status.
// The Loop must outlive it.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/result.h"
#include "ipc/runtime/unique_fd.h"

namespace openmmp {

class ChildProcess {
 public:
  // `signal` is 0 when the process ended by itself, with `status`. May destroy the ChildProcess.
  using Callback = void (*)(void* owner, int status, int signal);

  // Starts the program `file`; argv[0] is `file` too. `third` is the child's descriptor 3.
  static Result<ChildProcess> start(Loop& loop, const std::string& file,
                                    const std::vector<std::string>& arguments, UniqueFd third);

  ChildProcess(ChildProcess&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess() { close(); }

  pid_t pid() const;
  bool running() const;
  // Who is told of the end; set again after the owner has moved.
  void set_owner(void* owner, Callback callback);
  void kill(int signal);

 private:
  struct Block;  // on the heap until libuv says the handle is closed
  explicit ChildProcess(Block* block) : block_(block) {}
  void close();

  Block* block_;
};

}  // namespace openmmp
