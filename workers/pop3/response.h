// What a POP3 server says while we log in there: the first line of a response taken apart. Pure.
#pragma once

#include <string>
#include <string_view>

#include "ipc/runtime/result.h"

namespace openmmp::pop3 {

enum class Status { ok, err, continuation };

// Views into the line that it was parsed from.
struct Response {
  Status status = Status::err;
  std::string_view code;  // of -ERR, RFC 2449: "SYS/TEMP", empty for none
};

// Errc::protocol: a control character, or no response at all.
Result<Response> parse_response(std::string_view line);

// "-ERR [AUTH]": all that a log may see of an answer to a line with a password in it, which the
// store may have echoed. The words are our own; a code that is not well known is left out.
std::string summary(const Response& response);

// Whether -ERR with this code (RFC 2449, RFC 3206) speaks of now, not of name and password.
bool is_temporary(std::string_view code);

// Whether a line of the answer to CAPA offers this mechanism for AUTH.
bool offers_mechanism(std::string_view capability, std::string_view mechanism);
// What stands behind the "+" of a continuation.
std::string_view challenge_of(std::string_view line);

}  // namespace openmmp::pop3
