#include "ipc/frame.h"

#include <algorithm>

#include "ipc/runtime/check.h"

namespace openmmp::ipc {

Result<std::string> encode_frame(std::string_view body) {
  if (body.size() > max_frame_body) return fail(Errc::limit, "message too long");
  std::string frame;
  frame.reserve(frame_header_size + body.size());
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame += static_cast<char>(body.size() >> shift & 0xff);
  }
  return frame.append(body);
}

size_t FrameDecoder::wanted() const {
  if (header_read_ < frame_header_size) return frame_header_size - header_read_;
  return length_ - body_.size();
}

Result<> FrameDecoder::feed(std::string_view bytes) {
  CHECK(bytes.size() <= wanted());
  if (header_read_ == frame_header_size) {
    body_.append(bytes);
    return {};
  }
  for (const char byte : bytes) length_ = length_ << 8 | static_cast<unsigned char>(byte);
  header_read_ += bytes.size();
  if (header_read_ == frame_header_size && length_ > max_frame_body) {
    return fail(Errc::protocol, "frame longer than 16 MiB");
  }
  return {};
}

std::string FrameDecoder::take() {
  CHECK(complete());
  header_read_ = length_ = 0;
  return std::exchange(body_, {});
}

}  // namespace openmmp::ipc
