// What an IMAP server says while we log in there, RFC 9051 section 7: one line taken apart. Pure.
#pragma once

#include <string>
#include <string_view>

#include "ipc/runtime/result.h"

namespace openmmp::imap {

enum class Status { ok, no, bad, bye, preauth, other };

// Views into the line that it was parsed from.
struct Response {
  std::string_view tag;  // "*", "+" or a tag
  Status status = Status::other;
  std::string_view code;  // between "[" and "]" of a status: "CAPABILITY IMAP4rev1"
  std::string_view text;  // everything behind the tag: "OK [CAPABILITY IMAP4rev1] Logged in"

  bool untagged() const { return tag == "*"; }
  bool continuation() const { return tag == "+"; }
};

// Errc::protocol: a control character, or no tag at the front.
Result<Response> parse_response(std::string_view line);

// The list of a response code or an untagged response "CAPABILITY ...": what stands behind the
// word. Empty when it is something else.
std::string_view capability_list(std::string_view text);

// "NO [AUTHENTICATIONFAILED]": all that a log may see of an answer to a line with a password in it,
// which the store may have echoed. The words are our own; a code that is not well known is left
// out.
std::string summary(const Response& response);

// Whether a NO with this response code (RFC 5530) speaks of now, not of name and password.
bool is_temporary(std::string_view code);

}  // namespace openmmp::imap
