#include "config/address_file.h"

#include <algorithm>
#include <string>

namespace openmmp::config {

std::string_view without_comment(std::string_view line) {
  constexpr std::string_view blanks = " \t\r";
  line = line.substr(0, line.find('#'));
  const size_t first = line.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> lines_without_comments(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(without_comment(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Result<Networks> parse_address_file(std::string_view text) {
  std::string all;
  for (const std::string_view line : lines_without_comments(text)) {
    all.append(line);
    all += ' ';
  }
  return Networks::parse(all);
}

}  // namespace openmmp::config
