// The smallest words of IMAP, RFC 9051 section 9, for both directions: tags, atoms, literals and
// how a string is written. Pure; every function treats its argument as hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace openmmp::imap {

// An announcement "{n}" or "{n+}" at the end of a line.
struct Literal {
  uint64_t size = 0;  // saturated: "{99999999999999999999}" is larger than any limit, not small
  bool synchronising = true;
};

// Any line that ends so announces a literal, even where the grammar has no place for one: the
// client will send the bytes in any case, and they must never be taken for commands.
std::optional<Literal> trailing_literal(std::string_view line);

// The first word when it is a valid tag, "*" when not. What it returns may be echoed to the client.
std::string_view reply_tag(std::string_view line);

// An atom as the grammar of arguments has it; also what a capability may consist of.
bool is_atom(std::string_view text);

// Whether `text` can be sent as a quoted string: printable ASCII of moderate length.
bool is_quotable(std::string_view text);
std::string quoted(std::string_view text);

}  // namespace openmmp::imap
