// One socket on the loop: owns the descriptor, calls back when it is readable or writable. Level
// triggered. Reading and writing are the owner's business, so that TLS and splice can work on the
// descriptor itself.
#pragma once

#include "ipc/runtime/loop.h"
#include "ipc/runtime/unique_fd.h"

namespace openmmp {

class PollHandle {
 public:
  static constexpr int readable = 1;
  static constexpr int writable = 2;
  // `events` has the bits that are true; an error or hang-up sets every bit watched for, and the
  // system call that follows says what it is. The callback may destroy the PollHandle.
  using Callback = void (*)(void* owner, int events);

  PollHandle() = default;
  // `fd` is made non-blocking. Nothing is watched yet.
  PollHandle(Loop& loop, UniqueFd fd);
  PollHandle(PollHandle&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  PollHandle& operator=(PollHandle&& other) noexcept;
  ~PollHandle() { close(); }

  int fd() const;
  explicit operator bool() const { return block_ != nullptr; }
  // Who is called back; set before the first watch(), and again after the owner has moved.
  void set_owner(void* owner, Callback callback);
  // Watches for exactly these events from now on; 0 for none. Costs two system calls when it
  // changes something and none when not.
  void watch(int events);
  int watched() const;
  void close();
  // Gives the descriptor away and closes the handle.
  [[nodiscard]] UniqueFd release();

 private:
  struct Block;  // on the heap until libuv says the handle is closed
  Block* block_ = nullptr;
};

}  // namespace openmmp
