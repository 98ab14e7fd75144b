#include "workers/directory/text.h"

#include <algorithm>
#include <cstdint>

namespace openmmp::directory {

namespace {

char lower_ascii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

unsigned lower_two_byte(unsigned code) {
  if (code >= 0xC0 && code <= 0xDE && code != 0xD7) return code + 0x20;  // Latin-1
  if (code >= 0x391 && code <= 0x3A9) return code + 0x20;                // Greek
  if (code >= 0x410 && code <= 0x42F) return code + 0x20;                // Cyrillic
  if (code >= 0x400 && code <= 0x40F) return code + 0x50;
  return code;
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Appends the character at `text[i]` in lower case and returns how many bytes it has.
size_t append_lower(std::string& result, std::string_view text, size_t i) {
  const auto first = static_cast<unsigned char>(text[i]);
  const bool two_bytes =
      (first & 0xE0) == 0xC0 && i + 1 < text.size() && is_continuation(text[i + 1]);
  if (!two_bytes) {
    result += lower_ascii(text[i]);
    return 1;
  }
  const unsigned code =
      lower_two_byte(((first & 0x1Fu) << 6) | (static_cast<unsigned char>(text[i + 1]) & 0x3Fu));
  result += static_cast<char>(0xC0u | (code >> 6));
  result += static_cast<char>(0x80u | (code & 0x3Fu));
  return 2;
}

// Length of the UTF-8 character at the start of `text`, 0 when it is not well formed.
size_t utf8_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  uint32_t code = first & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[i])) return 0;
    code = (code << 6) | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return overlong || surrogate || code > 0x10FFFF ? 0 : length;
}

}  // namespace

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_attribute_character(char c) {
  const char l = lower_ascii(c);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ';';
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower_ascii);
  return result;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower_ascii(x) == lower_ascii(y); });
}

std::string fold(std::string_view value) { return fold_piece(value, true, true); }

std::string fold_piece(std::string_view piece, bool starts_value, bool ends_value) {
  std::string result;
  result.reserve(piece.size());
  bool after_blank = starts_value;
  for (size_t i = 0; i < piece.size();) {
    if (piece[i] == ' ') {
      if (!after_blank) result += ' ';
      after_blank = true;
      ++i;
    } else {
      after_blank = false;
      i += append_lower(result, piece, i);
    }
  }
  if (ends_value && !result.empty() && result.back() == ' ') result.pop_back();
  // A value of nothing but blanks is one blank, not nothing: so does slapd.
  if (result.empty() && !piece.empty()) result = " ";
  return result;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace openmmp::directory
