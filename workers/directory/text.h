// Comparing text as LDAP does. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace openmmp::directory {

// The form in which two values are equal for caseIgnoreMatch: lower case, no blanks at the ends,
// one blank for a run of them. Beyond ASCII the letters of Latin-1, Greek and Cyrillic change case.
std::string fold(std::string_view value);
// The same for a part of a value, whose ends may be in the middle of it.
std::string fold_piece(std::string_view piece, bool starts_value, bool ends_value);

// The byte that the two hex digits at `position` of `text` stand for, if there are two.
std::optional<char> hex_byte(std::string_view text, size_t position);
// A value as RFC 4515 writes it in a filter: it matches itself and nothing else. Control characters
// are escaped too, which a log line needs.
std::string filter_escaped(std::string_view value);
// What an attribute description may consist of: name or OID, and options.
bool is_attribute_character(char c);

}  // namespace openmmp::directory
