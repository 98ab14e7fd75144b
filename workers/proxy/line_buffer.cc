#include "workers/proxy/line_buffer.h"

#include <algorithm>

#include "ipc/runtime/secret.h"

namespace openmmp::proxy {

LineBuffer::~LineBuffer() { wipe(bytes_); }

void LineBuffer::append(std::string_view bytes) {
  // Growing would leave a copy of what is here in freed memory, so the old block is wiped.
  if (bytes_.size() + bytes.size() > bytes_.capacity()) {
    std::string grown;
    grown.reserve(std::max({size() + bytes.size(), 2 * size(), size_t{256}}));
    grown.append(bytes_, start_);
    wipe(bytes_);
    bytes_ = std::move(grown);
    scanned_ -= std::min(scanned_, start_);
    start_ = 0;
  }
  bytes_ += bytes;
}

void LineBuffer::consume(size_t count) {
  start_ += count;
  scanned_ = start_;
  if (start_ < bytes_.size()) return;
  std::fill(bytes_.begin(), bytes_.end(), '\0');
  bytes_.clear();
  start_ = scanned_ = 0;
}

Result<std::optional<std::string>> LineBuffer::next_line(size_t limit) {
  const size_t lf = bytes_.find('\n', std::max(scanned_, start_));
  const size_t length = (lf == std::string::npos ? bytes_.size() : lf) - start_;
  // The CR of a CRLF does not count.
  const bool cr = length > 0 && bytes_[start_ + length - 1] == '\r';
  if (length - (cr ? 1 : 0) > limit) return fail(Errc::limit, "line too long");
  if (lf == std::string::npos) {
    scanned_ = bytes_.size();
    return std::nullopt;
  }
  std::string line = bytes_.substr(start_, length - (cr ? 1 : 0));
  consume(length + 1);
  return line;
}

std::optional<std::string> LineBuffer::next_bytes(size_t count) {
  if (size() < count) return std::nullopt;
  std::string run = bytes_.substr(start_, count);
  consume(count);
  return run;
}

std::string LineBuffer::take_all() {
  std::string all = bytes_.substr(start_);
  consume(size());
  return all;
}

}  // namespace openmmp::proxy
