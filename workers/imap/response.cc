#include "workers/imap/response.h"

#include <algorithm>
#include <utility>

#include "ipc/runtime/text.h"
#include "workers/imap/syntax.h"

namespace openmmp::imap {
namespace {

constexpr std::pair<std::string_view, Status> statuses[] = {
    {"OK", Status::ok},   {"NO", Status::no},           {"BAD", Status::bad},
    {"BYE", Status::bye}, {"PREAUTH", Status::preauth},
};

struct Code {
  std::string_view name;
  bool is_temporary;
};

// Those of RFC 5530 and RFC 9051 that an answer to a login may have.
constexpr Code codes[] = {
    {"UNAVAILABLE", true},
    {"INUSE", true},
    {"LIMIT", true},
    {"SERVERBUG", true},
    {"CONTACTADMIN", true},
    {"AUTHENTICATIONFAILED", false},
    {"AUTHORIZATIONFAILED", false},
    {"EXPIRED", false},
    {"PRIVACYREQUIRED", false},
    {"NOPERM", false},
    {"CLIENTBUG", false},
    {"CANNOT", false},
    {"ALERT", false},
};

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

std::string_view rest_after(std::string_view text, std::string_view word) {
  return text.substr(std::min(text.size(), word.size() + 1));
}

bool has_control(std::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f;
  });
}

const Code* find_code(std::string_view text) {
  const std::string_view word = first_word(text);
  const auto found = std::find_if(std::begin(codes), std::end(codes), [word](const Code& code) {
    return equals_ignoring_case(word, code.name);
  });
  return found == std::end(codes) ? nullptr : found;
}

Status status_of(std::string_view word) {
  for (const auto& [name, status] : statuses) {
    if (equals_ignoring_case(word, name)) return status;
  }
  return Status::other;
}

}  // namespace

Result<Response> parse_response(std::string_view line) {
  if (has_control(line)) return fail(Errc::protocol, "a control character from the store");
  Response response;
  // Some servers leave out the blank behind "+".
  response.tag = line.starts_with('+') ? line.substr(0, 1) : first_word(line);
  const bool known = response.continuation() || response.untagged();
  if (!known && reply_tag(line) == "*") return fail(Errc::protocol, "no IMAP from the store");
  response.text = rest_after(line, response.tag);
  const std::string_view word = first_word(response.text);
  if (!response.continuation()) response.status = status_of(word);
  if (response.status == Status::other) return response;
  const std::string_view human = rest_after(response.text, word);
  const size_t end = human.find(']');
  if (human.starts_with('[') && end != human.npos) response.code = human.substr(1, end - 1);
  return response;
}

std::string_view capability_list(std::string_view text) {
  const std::string_view word = first_word(text);
  return equals_ignoring_case(word, "CAPABILITY") ? rest_after(text, word) : std::string_view();
}

std::string summary(const Response& response) {
  if (response.continuation()) return "+";
  std::string text = "something else than OK, NO or BAD";
  for (const auto& [name, status] : statuses) {
    if (status == response.status) text = name;
  }
  if (const Code* known = find_code(response.code)) text.append(" [").append(known->name) += ']';
  return text;
}

bool is_temporary(std::string_view code) {
  const Code* known = find_code(code);
  return known != nullptr && known->is_temporary;
}

}  // namespace openmmp::imap
