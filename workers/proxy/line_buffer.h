// Bytes that came from a socket and are not yet used: lines and counted runs (literals) come out.
// Pure. It holds at most one line or literal of the limit asked for, plus one read.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/runtime/result.h"

namespace openmmp::proxy {

class LineBuffer {
 public:
  ~LineBuffer();  // wipes: there may be a password in it

  void append(std::string_view bytes);
  // The next line without its LF or CRLF; nothing when it is not complete. Errc::limit when more
  // than `limit` bytes stand before the LF. A CR that is not before the LF stays in the line.
  Result<std::optional<std::string>> next_line(size_t limit);
  // The next `count` bytes; nothing when they have not all come.
  std::optional<std::string> next_bytes(size_t count);
  // Everything that is there, until the next call that changes it; and some of it is used.
  std::string_view view() const { return std::string_view(bytes_).substr(start_); }
  void consume(size_t count);
  // Everything that is left.
  std::string take_all();
  // Wipes and forgets it.
  void discard() { consume(size()); }

  size_t size() const { return bytes_.size() - start_; }
  bool empty() const { return size() == 0; }

 private:
  std::string bytes_;
  size_t start_ = 0;    // used up before this
  size_t scanned_ = 0;  // no LF between start_ and this
};

}  // namespace openmmp::proxy
