#include "workers/directory/text.h"

#include <algorithm>
#include <cstdint>

namespace openmmp::directory {

namespace {

char lower_ascii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower_ascii(c);
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
    result += lower_ascii(text[i]);
    return 1;
  }
  const unsigned code =
      lower_two_byte(((first & 0x1Fu) << 6) | (static_cast<unsigned char>(text[i + 1]) & 0x3Fu));
  result += static_cast<char>(0xC0u | (code >> 6));
  result += static_cast<char>(0x80u | (code & 0x3Fu));
  return 2;
}

// The first byte of a UTF-8 character says how long it is, and in which range the second byte must
// be so that the form is neither overlong nor a surrogate nor too large (RFC 3629 section 4).
struct Utf8Form {
  unsigned char first_from, first_to;
  size_t length;
  unsigned char second_from, second_to;
};
constexpr Utf8Form utf8_forms[] = {
    {0x00, 0x7F, 1, 0x00, 0x00}, {0xC2, 0xDF, 2, 0x80, 0xBF}, {0xE0, 0xE0, 3, 0xA0, 0xBF},
    {0xE1, 0xEC, 3, 0x80, 0xBF}, {0xED, 0xED, 3, 0x80, 0x9F}, {0xEE, 0xEF, 3, 0x80, 0xBF},
    {0xF0, 0xF0, 4, 0x90, 0xBF}, {0xF1, 0xF3, 4, 0x80, 0xBF}, {0xF4, 0xF4, 4, 0x80, 0x8F},
};

bool is_between(char c, unsigned char from, unsigned char to) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= from && byte <= to;
}

// Length of the UTF-8 character at the start of `text`, 0 when it is not well formed.
size_t utf8_length(std::string_view text) {
  for (const Utf8Form& form : utf8_forms) {
    if (!is_between(text[0], form.first_from, form.first_to)) continue;
    if (form.length == 1) return 1;
    if (text.size() < form.length || !is_between(text[1], form.second_from, form.second_to)) {
      return 0;
    }
    const std::string_view rest = text.substr(2, form.length - 2);
    return std::all_of(rest.begin(), rest.end(), is_continuation) ? form.length : 0;
  }
  return 0;
}

}  // namespace

std::optional<char> hex_byte(std::string_view text, size_t position) {
  if (text.size() < 2 || position > text.size() - 2) return std::nullopt;
  const int high = hex_digit(text[position]);
  const int low = hex_digit(text[position + 1]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high * 16 + low);
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
