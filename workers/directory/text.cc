#include "workers/directory/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "ipc/runtime/text.h"

namespace openmmp::directory {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

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
    result += lower(text[i]);
    return 1;
  }
  const unsigned code =
      lower_two_byte(((first & 0x1Fu) << 6) | (static_cast<unsigned char>(text[i + 1]) & 0x3Fu));
  result += static_cast<char>(0xC0u | (code >> 6));
  result += static_cast<char>(0x80u | (code & 0x3Fu));
  return 2;
}

}  // namespace

std::optional<char> hex_byte(std::string_view text, size_t position) {
  if (text.size() < 2 || position > text.size() - 2) return std::nullopt;
  const int high = hex_digit(text[position]);
  const int low = hex_digit(text[position + 1]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

std::string filter_escaped(std::string_view value) {
  std::string result;
  for (const char c : value) {
    if (c == '*' || c == '(' || c == ')' || c == '\\' || is_control(c)) {
      result += fmt::format("\\{:02x}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result;
}

bool is_attribute_character(char c) {
  const char l = lower(c);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ';';
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

}  // namespace openmmp::directory
