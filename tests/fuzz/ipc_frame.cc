// Frames between supervisor and workers: a byte at a time, as much as is wanted at a time, and
// encoded again.
#include "ipc/frame.h"
#include "tests/fuzz/fuzz.h"

namespace openmmp::fuzz {
namespace {

std::vector<std::string> bodies_of(std::string_view bytes, size_t most) {
  std::vector<std::string> bodies;
  ipc::FrameDecoder decoder;
  while (!bytes.empty()) {
    CHECK(decoder.wanted() > 0);
    const std::string_view next = bytes.substr(0, std::min(decoder.wanted(), most));
    bytes.remove_prefix(next.size());
    if (!decoder.feed(next)) return bodies;
    if (decoder.complete()) bodies.push_back(decoder.take());
  }
  return bodies;
}

}  // namespace

void check_input(std::string_view input) {
  const std::vector<std::string> bodies = bodies_of(input, input.size());
  CHECK(bodies_of(input, 1) == bodies);
  std::string written;
  for (const std::string& body : bodies) written += ipc::encode_frame(body).value();
  CHECK(input.starts_with(written));
}

}  // namespace openmmp::fuzz
