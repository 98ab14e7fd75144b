// Replies of a relay (RFC 5321 section 4.2), out of bytes that may not all have come. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/runtime/result.h"

namespace openmmp::smtp {

// Of a whole reply; a relay that says more is none.
constexpr size_t longest_reply = 16 * 1024;

// Refers to the bytes it was found in.
struct Reply {
  int code = 0;           // 200 to 599
  std::string_view text;  // all lines with their CRLF
  bool is_positive() const { return code < 400; }
  bool is_transient() const { return code >= 400 && code < 500; }
};

// The reply at the beginning of `bytes`; nothing: it is not complete. Errc::protocol: this is no
// reply (lines of different codes, no code, a control character, a line end that is not CR LF).
// Errc::limit: it is too long. What is found may go to a client as it is: it can be read in one way
// only. A tab and bytes above ASCII are text; no server needs more lenience than that.
Result<std::optional<Reply>> find_reply(std::string_view bytes);

// One line for a log: the last one, without line end.
std::string_view last_line(const Reply& reply);

}  // namespace openmmp::smtp
