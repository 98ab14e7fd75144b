// The first byte is the longest line, the second how much comes at a time; then what comes. A line
// that ends in '}' is followed by as many counted bytes as it has itself.
#include "tests/fuzz/fuzz.h"
#include "workers/proxy/line_buffer.h"

namespace openmmp::fuzz {
namespace {

// Lines and counted bytes in the order in which they came out.
class Reader {
 public:
  explicit Reader(size_t limit) : limit_(limit) {}

  void append(std::string_view bytes) {
    buffer_.append(bytes);
    while (!failed && take_one()) {
    }
  }

  std::vector<std::string> out;
  bool failed = false;

 private:
  bool take_one() {
    if (counted_ > 0) {
      auto bytes = buffer_.next_bytes(counted_);
      if (bytes) CHECK(bytes->size() == std::exchange(counted_, 0));
      return bytes && keep(std::move(*bytes));
    }
    auto line = buffer_.next_line(limit_);
    failed = !line;
    if (!line || !*line) return false;
    CHECK((*line)->size() <= limit_ && (*line)->find('\n') == std::string::npos);
    if ((*line)->ends_with('}')) counted_ = (*line)->size();
    return keep(std::move(**line));
  }
  bool keep(std::string text) {
    out.push_back(std::move(text));
    return true;
  }

  size_t limit_;
  size_t counted_ = 0;
  proxy::LineBuffer buffer_;
};

}  // namespace

void check_input(std::string_view input) {
  if (input.size() < 2) return;
  const auto limit = static_cast<unsigned char>(input[0]);
  const size_t step = static_cast<unsigned char>(input[1]) + size_t{1};
  input.remove_prefix(2);
  Reader at_once(limit);
  at_once.append(input);
  Reader in_steps(limit);
  for (size_t at = 0; at < input.size() && !in_steps.failed; at += step) {
    in_steps.append(input.substr(at, step));
  }
  CHECK(at_once.out == in_steps.out && at_once.failed == in_steps.failed);
}

}  // namespace openmmp::fuzz
