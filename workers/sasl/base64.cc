#include "workers/sasl/base64.h"

#include <array>
#include <cstdint>

namespace openmmp::sasl {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> make_values() {
  std::array<int8_t, 256> values{};
  for (int8_t& value : values) value = -1;
  for (size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<int8_t>(i);
  }
  return values;
}
constexpr std::array<int8_t, 256> values = make_values();

uint32_t byte_at(std::string_view bytes, size_t index) {
  return index < bytes.size() ? static_cast<unsigned char>(bytes[index]) : 0;
}

size_t padding_of(std::string_view text) {
  if (text.ends_with("==")) return 2;
  return text.ends_with('=') ? 1 : 0;
}

bool decode_into(std::string& bytes, std::string_view text) {
  if (text.size() % 4 != 0) return false;
  const std::string_view digits = text.substr(0, text.size() - padding_of(text));
  bytes.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  int held = 0;  // how many of the low bits are not yet used
  for (const char digit : digits) {
    const int8_t value = values[static_cast<unsigned char>(digit)];
    if (value < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 255);
  }
  // One text for one meaning: whoever compares base64 instead of bytes must not be fooled.
  return (bits & ((1u << held) - 1)) == 0;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const uint32_t group =
        byte_at(bytes, i) << 16 | byte_at(bytes, i + 1) << 8 | byte_at(bytes, i + 2);
    text += alphabet[group >> 18];
    text += alphabet[group >> 12 & 63];
    text += i + 1 < bytes.size() ? alphabet[group >> 6 & 63] : '=';
    text += i + 2 < bytes.size() ? alphabet[group & 63] : '=';
  }
  return text;
}

Result<std::string> base64_decode(std::string_view text) {
  std::string bytes;
  if (!decode_into(bytes, text)) {
    wipe(bytes);
    return fail(Errc::protocol, "The response is not base64.");
  }
  return bytes;
}

Result<Secret> decode_response(std::string_view line) {
  Result<std::string> bytes = base64_decode(line);
  if (!bytes) return fail(std::move(bytes.error()));
  return Secret(std::move(*bytes));
}

}  // namespace openmmp::sasl
