#include "workers/directory/ldif.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "ipc/runtime/text.h"
#include "workers/directory/text.h"

namespace openmmp::directory {

namespace {

constexpr size_t max_line = 1 << 20;  // a photograph in base64 fits

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  std::string result;
  result.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      result += static_cast<char>((bits >> count) & 0xFF);
    }
  }
  // Bits that are left over must be zero: one text for one value.
  if ((bits & ((1u << count) - 1)) != 0) return std::nullopt;
  return result;
}

Result<std::optional<Entry>> LdifReader::next() {
  Entry entry;
  const Result<bool> found = read_record_start(entry);
  if (!found) return fail(found.error());
  if (!*found) return std::optional<Entry>();
  if (const Result<> read = read_attributes(entry); !read) return fail(read.error());
  return std::optional<Entry>(std::move(entry));
}

// Skips blank lines and the version line, and reads the "dn:" line.
Result<bool> LdifReader::read_record_start(Entry& entry) {
  for (;;) {
    const Result<bool> read = read_line();
    if (!read || !*read) return read;
    if (line_.empty()) continue;
    if (line_offset_ == 0 && line_.starts_with("version:")) continue;
    break;
  }
  if (line_.size() < 3 || !equals_ignoring_case(line_.substr(0, 3), "dn:")) {
    return wrong("an entry begins with 'dn:'");
  }
  Result<std::string> dn = parse_value(line_.substr(3));
  if (!dn) return fail(std::move(dn.error()));
  record_.offset = line_offset_;
  record_.line = line_number_;
  entry = Entry(std::move(*dn));
  return true;
}

Result<> LdifReader::read_attributes(Entry& entry) {
  for (;;) {
    const Result<bool> read = read_line();
    if (!read) return fail(read.error());
    if (!*read || line_.empty()) return {};
    const size_t colon = line_.find(':');
    const std::string_view name = line_.substr(0, colon);
    if (colon == std::string_view::npos || name.empty() ||
        !std::all_of(name.begin(), name.end(), is_attribute_character)) {
      return wrong("'attribute: value' expected");
    }
    if (equals_ignoring_case(name, "changetype") || equals_ignoring_case(name, "control")) {
      return wrong("change records are not accepted, only entries");
    }
    if (equals_ignoring_case(name, "dn")) return wrong("a blank line must stand before 'dn:'");
    Result<std::string> value = parse_value(line_.substr(colon + 1));
    if (!value) return fail(std::move(value.error()));
    entry.add(name, std::move(*value));
  }
}

// `rest` is what follows the first colon.
Result<std::string> LdifReader::parse_value(std::string_view rest) const {
  if (rest.starts_with('<')) return wrong("values from a URL (':<') are not read");
  const bool is_base64 = rest.starts_with(':');
  if (is_base64) rest.remove_prefix(1);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  if (!is_base64) return std::string(rest);
  while (rest.ends_with(' ')) rest.remove_suffix(1);
  std::optional<std::string> value = decode_base64(rest);
  if (!value) return wrong("this is not base64");
  return std::move(*value);
}

Result<bool> LdifReader::read_line() {
  bool is_comment = true;
  while (is_comment) {
    if (next_.offset >= text_.size()) return false;
    line_number_ = next_.line;
    line_offset_ = next_.offset;
    line_ = take_physical_line();
    if (line_.starts_with(' ')) return wrong("a continuation of nothing");
    is_comment = line_.starts_with('#');
    // A blank line ends a record, so what begins with a blank behind it continues nothing.
    bool folded = false;
    while (!line_.empty() && next_.offset < text_.size() && text_[next_.offset] == ' ') {
      if (!folded) unfolded_ = line_;
      folded = true;
      unfolded_ += take_physical_line().substr(1);
      line_ = unfolded_;
      if (line_.size() > max_line) break;
    }
    if (line_.size() > max_line) return wrong(fmt::format("longer than {} bytes", max_line));
    if (line_.find('\0') != std::string_view::npos) return wrong("a NUL byte");
  }
  return true;
}

// Without its LF or CRLF.
std::string_view LdifReader::take_physical_line() {
  const size_t end = std::min(text_.find('\n', next_.offset), text_.size());
  std::string_view line = text_.substr(next_.offset, end - next_.offset);
  next_.offset = std::min(end + 1, text_.size());
  ++next_.line;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Failure LdifReader::wrong(std::string_view what) const {
  return fail(Errc::protocol, fmt::format("line {}: {}", line_number_, what));
}

}  // namespace openmmp::directory
