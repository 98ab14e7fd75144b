// Frames with descriptors over a Unix stream socket: the part of a Channel that does not depend on
// its messages. Descriptors travel in batches (the kernel takes 253 a call) with the first bytes of
// their frame, and arrive with that frame.
//
// The Loop must outlive it. It may be destroyed at any moment; a receive() that still waits then
// never resumes, so the Task that holds it is destroyed before or after without harm.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/frame.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/poll_handle.h"
#include "ipc/runtime/task.h"

namespace openmmp::ipc {

using Descriptors = std::vector<UniqueFd>;

// Two connected Unix stream sockets, non-blocking, close-on-exec.
Result<std::pair<UniqueFd, UniqueFd>> socket_pair();

class Transport {
 public:
  static constexpr size_t batch_size = 250;
  // A batch needs a byte to travel with, and a header has four.
  static constexpr size_t max_descriptors = frame_header_size * batch_size;
  static constexpr size_t max_queued_bytes = 2 * max_frame_body;
  static constexpr size_t max_queued_frames = 256;

  struct Frame {
    Frame(std::string b, Descriptors d) : body(std::move(b)), descriptors(std::move(d)) {}
    std::string body;
    Descriptors descriptors;
  };

  Transport(Loop& loop, UniqueFd socket);
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  ~Transport();

  // Writes what the socket takes now and keeps the rest. Errc::limit: the peer does not read, or
  // the message is too large, and nothing was queued; Errc::closed: the peer is gone.
  Result<> send(std::string_view body, Descriptors descriptors);
  bool everything_sent() const { return queue_.empty(); }

  // The next frame, in order. Errc::closed when the peer is gone, also in the middle of a frame.
  // One receive() at a time.
  Task<Frame> receive();

 private:
  void on_event(int events);
  void watch();
  void write_queue();
  // True when a frame is complete, false when the socket has nothing more for now.
  Result<bool> read_frame();
  Result<size_t> read_some(size_t size);
  void close_with(Error error);

  PollHandle socket_;
  FrameDecoder decoder_;
  Descriptors arrived_;  // with the frame that decoder_ is in
  std::deque<Frame> queue_;
  size_t queued_bytes_ = 0;
  size_t written_ = 0;  // of the first frame's bytes
  WaitList readable_;
  int frames_without_wait_ = 0;
  std::optional<Error> failure_;
};

}  // namespace openmmp::ipc
