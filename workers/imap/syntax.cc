#include "workers/imap/syntax.h"

#include <algorithm>
#include <limits>

namespace openmmp::imap {
namespace {

// Servers must take a tag of any length, but one that is echoed should not make an amplifier.
constexpr size_t max_tag = 255;
constexpr size_t max_quoted = 1000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_printable(char c) { return c > ' ' && c < 0x7f; }

// "]" is none of them: in an atom it would end the response code that the atom stands in.
bool is_atom_char(char c) {
  return is_printable(c) && std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
}

// <any ASTRING-CHAR except "+">, and an ASTRING-CHAR may be "]".
bool is_tag_char(char c) { return (is_atom_char(c) || c == ']') && c != '+'; }

uint64_t saturated(std::string_view digits) {
  constexpr uint64_t most = std::numeric_limits<uint64_t>::max();
  uint64_t value = 0;
  for (const char c : digits) {
    const auto digit = static_cast<uint64_t>(c - '0');
    if (value > (most - digit) / 10) return most;
    value = value * 10 + digit;
  }
  return value;
}

}  // namespace

std::optional<Literal> trailing_literal(std::string_view line) {
  if (!line.ends_with('}')) return std::nullopt;
  line.remove_suffix(1);
  Literal literal;
  if (line.ends_with('+')) {
    literal.synchronising = false;
    line.remove_suffix(1);
  }
  size_t start = line.size();
  while (start > 0 && is_digit(line[start - 1])) --start;
  const std::string_view digits = line.substr(start);
  if (digits.empty() || start == 0 || line[start - 1] != '{') return std::nullopt;
  literal.size = saturated(digits);
  return literal;
}

std::string_view reply_tag(std::string_view line) {
  const std::string_view tag = line.substr(0, line.find(' '));
  const bool good =
      !tag.empty() && tag.size() <= max_tag && std::all_of(tag.begin(), tag.end(), is_tag_char);
  return good ? tag : "*";
}

bool is_atom(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_atom_char);
}

bool is_quotable(std::string_view text) {
  return text.size() <= max_quoted &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_printable(c) || c == ' '; });
}

std::string quoted(std::string_view text) {
  std::string result;
  result.reserve(2 * text.size() + 2);  // never grows: it may be a password
  result += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  result += '"';
  return result;
}

}  // namespace openmmp::imap
