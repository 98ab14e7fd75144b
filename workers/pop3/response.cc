#include "workers/pop3/response.h"

#include <algorithm>

#include "ipc/runtime/text.h"
#include "workers/pop3/command.h"

namespace openmmp::pop3 {
namespace {

struct Code {
  std::string_view name;
  bool is_temporary;
};

constexpr Code codes[] = {
    {"SYS/TEMP", true},  {"IN-USE", true}, {"LOGIN-DELAY", true},
    {"SYS/PERM", false}, {"AUTH", false},
};

const Code* find_code(std::string_view text) {
  const auto found = std::find_if(std::begin(codes), std::end(codes), [text](const Code& code) {
    return equals_ignoring_case(text, code.name);
  });
  return found == std::end(codes) ? nullptr : found;
}

// TAB is as good as a blank in what a store says.
bool is_forbidden(char c) {
  return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f;
}

// "-ERR [CODE] text"
std::string_view code_of(std::string_view line) {
  const size_t start = line.find(" [");
  const size_t end = line.find(']');
  if (start != line.find(' ') || end == line.npos || end < start) return {};
  return line.substr(start + 2, end - start - 2);
}

}  // namespace

Result<Response> parse_response(std::string_view line) {
  if (std::any_of(line.begin(), line.end(), is_forbidden)) {
    return fail(Errc::protocol, "a control character from the store");
  }
  const std::string_view word = line.substr(0, line.find(' '));
  Response response;
  if (equals_ignoring_case(word, "+OK")) {
    response.status = Status::ok;
  } else if (equals_ignoring_case(word, "-ERR")) {
    response.code = code_of(line);
  } else if (word == "+") {
    response.status = Status::continuation;
  } else {
    return fail(Errc::protocol, "no POP3 from the store");
  }
  return response;
}

std::string summary(const Response& response) {
  if (response.status == Status::ok) return "+OK";
  if (response.status == Status::continuation) return "+";
  std::string text = "-ERR";
  if (const Code* known = find_code(response.code)) text.append(" [").append(known->name) += ']';
  return text;
}

bool is_temporary(std::string_view code) {
  const Code* known = find_code(code);
  return known != nullptr && known->is_temporary;
}

bool offers_mechanism(std::string_view capability, std::string_view mechanism) {
  constexpr std::string_view sasl = "SASL ";
  if (!starts_with_ignoring_case(capability, sasl)) return false;
  capability.remove_prefix(sasl.size());
  while (!capability.empty()) {
    const std::string_view word = capability.substr(0, capability.find(' '));
    if (equals_ignoring_case(word, mechanism)) return true;
    capability.remove_prefix(std::min(capability.size(), word.size() + 1));
  }
  return false;
}

std::string_view challenge_of(std::string_view line) {
  line.remove_prefix(std::min<size_t>(line.size(), 1));
  if (line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

}  // namespace openmmp::pop3
