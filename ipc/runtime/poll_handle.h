// One socket on the loop: owns the descriptor, calls back when it is readable or writable. Reading
// and writing are the owner's business.
#pragma once

#include <memory>
#include <utility>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/unique_fd.h"

namespace openmmp {

class PollHandle {
 public:
  static constexpr int readable = 1;  // EPOLLIN
  static constexpr int writable = 4;  // EPOLLOUT
  // Of a StreamSocket only:
  static constexpr int urgent = 2;      // EPOLLPRI: out-of-band data in the input
  static constexpr int failed = 8;      // EPOLLERR: the connection is lost
  static constexpr int ended = 0x2000;  // EPOLLRDHUP: the peer sends no more
  // `events` has the bits that are true; an error or hang-up sets readable and writable too where
  // they are watched for, and the system call that follows says what it is. The callback may
  // destroy the PollHandle.
  using Callback = void (*)(void* owner, int events);

  PollHandle() = default;
  // `fd` must be non-blocking. Nothing is watched yet.
  PollHandle(Loop& loop, UniqueFd fd);
  PollHandle(PollHandle&& other) noexcept = default;
  PollHandle& operator=(PollHandle&& other) noexcept;
  ~PollHandle() { close(); }

  int fd() const { return watch_->fd.get(); }
  explicit operator bool() const { return watch_ != nullptr; }
  // Who is called back; set before the first watch(), and again after the owner has moved.
  void set_owner(void* owner, Callback callback);
  // Level triggered: calls back while any of these events is true; 0 for none. Costs one system
  // call when it changes something and none when not.
  void watch(int events) { loop_->update(*watch_, static_cast<uint32_t>(events)); }
  int watched() const { return static_cast<int>(watch_->events); }
  void close();
  // Gives the descriptor away and ends the handle.
  [[nodiscard]] UniqueFd release();

 protected:
  Loop* loop_ = nullptr;
  std::unique_ptr<Loop::Watch> watch_;
};

}  // namespace openmmp
