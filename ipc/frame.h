// Messages on a byte stream: four bytes of length, most significant first, then the body. Pure.
// The decoder names the number of bytes that it can take, which never reaches past the end of the
// frame it is in, so that descriptors that arrive with those bytes belong to that frame.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ipc/runtime/result.h"

namespace openmmp::ipc {

constexpr size_t frame_header_size = 4;
constexpr size_t max_frame_body = 16 * 1024 * 1024;

// Header and body in one string; Errc::limit when the body is longer than max_frame_body.
Result<std::string> encode_frame(std::string_view body);

class FrameDecoder {
 public:
  // How many bytes may be fed next: at least 1 unless complete().
  size_t wanted() const;
  // `bytes` are at most wanted(). Errc::protocol for a length that nobody sends.
  Result<> feed(std::string_view bytes);
  bool complete() const { return header_read_ == frame_header_size && body_.size() == length_; }
  // The body of a complete frame; the decoder then waits for the next.
  std::string take();

 private:
  size_t header_read_ = 0;
  size_t length_ = 0;
  std::string body_;
};

}  // namespace openmmp::ipc
