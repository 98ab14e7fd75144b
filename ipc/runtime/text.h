// Text as mail protocols, configurations and directories compare it. ASCII letters only, whatever
// the locale. Pure.
#pragma once

#include <string>
#include <string_view>

namespace openmmp {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
std::string lower_case(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);

// Well-formed UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above
// U+10FFFF.
bool is_utf8(std::string_view text);

constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }
// With a blank for each control character: what an operator's text may look like in one line.
std::string one_line(std::string_view text);

}  // namespace openmmp
