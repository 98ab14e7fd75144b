#include "workers/sasl/credentials.h"

#include <algorithm>
#include <cstdint>

namespace openmmp::sasl {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// How many bytes the character that starts with `lead` has; 0 when none starts so.
size_t length_from(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;  // a continuation, or the start of an overlong form
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

// The smallest code point that needs `length` bytes.
constexpr uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

// The length of the character at the front of `text`, 0 when it is malformed.
size_t utf8_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const size_t length = length_from(lead);
  if (length < 2) return length;
  if (text.size() < length) return 0;
  uint32_t point = lead & (0x7fu >> length);
  for (const char c : text.substr(1, length - 1)) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) != 0x80) return 0;
    point = point << 6 | (byte & 0x3f);
  }
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  return point < smallest[length] || point > 0x10ffff || surrogate ? 0 : length;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Result<> check_credentials(std::string_view user, std::string_view password) {
  if (user.empty()) return fail(Errc::refused, "The user name is empty.");
  if (std::any_of(user.begin(), user.end(), is_control)) {
    return fail(Errc::refused, "The user name contains a control character.");
  }
  if (!is_utf8(user)) return fail(Errc::refused, "The user name is not UTF-8.");
  if (password.empty()) return fail(Errc::refused, "The password is empty.");
  if (password.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos) {
    return fail(Errc::refused, "The password contains NUL, CR or LF.");
  }
  return {};
}

}  // namespace openmmp::sasl
