#include "workers/smtp/reply.h"

#include <algorithm>
#include <utility>

#include "ipc/runtime/text.h"

namespace openmmp::smtp {
namespace {

constexpr size_t code_size = 3;

// As much of a code as is there; whether the bytes can still become one.
bool begins_with_code(std::string_view line) {
  constexpr std::pair<char, char> digits[code_size] = {{'2', '5'}, {'0', '5'}, {'0', '9'}};
  for (size_t i = 0; i < std::min(line.size(), code_size); ++i) {
    if (line[i] < digits[i].first || line[i] > digits[i].second) return false;
  }
  return line.size() <= code_size || line[code_size] == ' ' || line[code_size] == '-' ||
         line[code_size] == '\r';
}

// Without a branch, so that a compiler makes whole vectors of it.
bool has_control(std::string_view text) {
  unsigned found = 0;
  for (const char c : text) found |= static_cast<unsigned>(is_control(c) && c != '\t');
  return found != 0;
}

Result<> check_line(std::string_view line, std::string_view first) {
  if (line.size() < code_size || !begins_with_code(line)) {
    return fail(Errc::protocol, "A line of the reply has no code.");
  }
  if (line.substr(0, code_size) != first.substr(0, code_size)) {
    return fail(Errc::protocol, "The lines of the reply have different codes.");
  }
  if (has_control(line)) return fail(Errc::protocol, "There is a control character in the reply.");
  return {};
}

int code_of(std::string_view line) {
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

}  // namespace

Result<std::optional<Reply>> find_reply(std::string_view bytes) {
  const std::string_view within = bytes.substr(0, longest_reply);
  size_t start = 0;
  for (;;) {
    const std::string_view rest = within.substr(start);
    const size_t lf = rest.find('\n');
    if (lf == rest.npos) {
      if (!begins_with_code(rest)) return fail(Errc::protocol, "A line of the reply has no code.");
      if (within.size() == longest_reply) return fail(Errc::limit, "The reply is too long.");
      return std::nullopt;
    }
    if (lf == 0 || rest[lf - 1] != '\r') {
      return fail(Errc::protocol, "A line of the reply does not end with CR LF.");
    }
    const std::string_view line = rest.substr(0, lf - 1);
    if (const Result<> checked = check_line(line, within); !checked) return fail(checked.error());
    start += lf + 1;
    if (line.size() > code_size && line[code_size] == '-') continue;
    return Reply{code_of(line), within.substr(0, start)};
  }
}

std::string_view last_line(const Reply& reply) {
  std::string_view text = reply.text;
  if (text.ends_with("\r\n")) text.remove_suffix(2);
  const size_t lf = text.rfind('\n');
  return lf == text.npos ? text : text.substr(lf + 1);
}

}  // namespace openmmp::smtp
