#include "config/cfg_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "ipc/runtime/text.h"

namespace openmmp::config {
namespace {

constexpr std::string_view blanks = " \t";
// U+00A0, which lines copied from a web page have between option and value.
constexpr std::string_view no_break_space = "\xc2\xa0";

// The length of the blank that `text` begins with, 0 when it begins with none.
size_t blank_length(std::string_view text) {
  if (text.starts_with(no_break_space)) return no_break_space.size();
  return !text.empty() && blanks.find(text.front()) != std::string_view::npos ? 1 : 0;
}

void skip_blanks(std::string_view& text) {
  while (const size_t length = blank_length(text)) text.remove_prefix(length);
}

bool is_forbidden(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

// Names are printable ASCII: a byte order mark or a no-break space would otherwise make a section
// that looks like "default" and is not.
bool is_name(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::string_view without_line_end(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  const size_t last = line.find_last_not_of(blanks);
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

// Anything else in the place of a name is probably a value, and perhaps a password, which must not
// be repeated in a warning about an unknown option.
bool is_key(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

Result<std::string> unquote(std::string_view value) {
  if (value.empty() || value.front() != '"') return std::string(value);
  const size_t close = value.find('"', 1);
  if (close == std::string_view::npos) {
    return fail(Errc::protocol, "the closing double quote is missing");
  }
  if (close + 1 != value.size()) {
    return fail(Errc::protocol,
                "text behind the closing double quote; accepted: one pair of quotes around the "
                "whole value, or none");
  }
  return std::string(value.substr(1, close - 1));
}

}  // namespace

RawLines significant_lines(std::string_view text) {
  RawLines result;
  if (text.size() > max_cfg_file) {
    result.faults.push_back({0, fmt::format("is larger than {} bytes", max_cfg_file)});
    return result;
  }
  int number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = without_line_end(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line.front() == '#') continue;
    if (result.lines.size() + result.faults.size() == max_cfg_lines) {
      result.faults.push_back({number, fmt::format("more than {} lines", max_cfg_lines)});
      return result;
    }
    if (line.size() > max_cfg_line) {
      result.faults.push_back({number, fmt::format("longer than {} bytes", max_cfg_line)});
    } else if (std::any_of(line.begin(), line.end(), is_forbidden)) {
      result.faults.push_back({number, "contains a control character"});
    } else {
      result.lines.push_back({number, line});
    }
  }
  return result;
}

Result<CfgLine> parse_cfg_line(const RawLine& line) {
  const std::string_view text = line.text;
  if (blank_length(text) != 0) {
    return fail(Errc::protocol,
                "starts with a blank; a section or a comment's '#' must stand in column 1");
  }
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || !is_name(text.substr(0, colon))) {
    return fail(Errc::protocol, "is not SECTION:OPTION VALUE, as in \"default:LogLevel 5\"");
  }
  std::string_view rest = text.substr(colon + 1);
  const size_t key_end =
      std::min({rest.find_first_of(blanks), rest.find(no_break_space), rest.size()});
  const std::string_view key = rest.substr(0, key_end);
  if (key.empty()) {
    return fail(Errc::protocol, "has no option name behind ':'; no blanks around the colon");
  }
  if (!is_key(key)) {
    return fail(Errc::protocol,
                "has no option name of letters and digits behind ':'; a blank ends the name");
  }
  rest.remove_prefix(key_end);
  skip_blanks(rest);
  const bool quoted_words = split_quoted_words(rest).size() > 1;
  Result<std::string> value = quoted_words ? std::string(rest) : unquote(rest);
  if (!value) return fail(value.error());
  return CfgLine{line.number, std::string(text.substr(0, colon)), std::string(key),
                 std::move(*value), quoted_words};
}

CfgFile parse_cfg(std::string_view text) {
  RawLines raw = significant_lines(text);
  CfgFile result;
  result.faults = std::move(raw.faults);
  for (const RawLine& line : raw.lines) {
    Result<CfgLine> parsed = parse_cfg_line(line);
    if (parsed) {
      result.lines.push_back(std::move(*parsed));
    } else {
      result.faults.push_back({line.number, parsed.error().detail});
    }
  }
  return result;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  for (size_t start = text.find_first_not_of(blanks); start != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(blanks, start), text.size());
    words.emplace_back(text.substr(start, end - start));
    start = text.find_first_not_of(blanks, end);
  }
  return words;
}

std::vector<std::string> split_quoted_words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t close = text.find('"', 1);
    if (text.front() != '"' || close == std::string_view::npos) return {};
    words.emplace_back(text.substr(1, close - 1));
    text.remove_prefix(close + 1);
    const size_t blank = std::min(text.find_first_not_of(blanks), text.size());
    if (blank == 0 && !text.empty()) return {};
    text.remove_prefix(blank);
  }
  return words;
}

}  // namespace openmmp::config
