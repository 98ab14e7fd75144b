#include "workers/directory/login_name.h"

#include <fmt/format.h>

#include "ipc/runtime/text.h"
#include "workers/directory/text.h"

namespace openmmp::directory {

namespace {

constexpr size_t max_length = 512;

// C0, DEL and C1. `text` is well-formed UTF-8.
bool has_control_character(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7F) return true;
    if (c == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
  }
  return false;
}

Result<> check(std::string_view typed) {
  if (typed.empty()) return fail(Errc::refused, "the login name is empty");
  if (typed.size() > max_length) {
    return fail(Errc::refused, fmt::format("the login name is longer than {} bytes", max_length));
  }
  if (!is_utf8(typed)) return fail(Errc::refused, "the login name is not well-formed UTF-8");
  if (has_control_character(typed)) {
    return fail(Errc::refused, "the login name has a control character in it");
  }
  return {};
}

}  // namespace

Result<LoginName> parse_login_name(std::string_view typed, const NameRules& rules) {
  if (const Result<> checked = check(typed); !checked) return fail(checked.error());
  LoginName name;
  name.typed = typed;
  // From the right: what stands left of the domain may contain the delimiter.
  const size_t split = typed.find_last_of(rules.delimiters);
  name.user = typed.substr(0, split);
  const std::string default_domain = lower_case(rules.default_domain);
  if (split == std::string_view::npos) {
    name.domain = default_domain;
  } else {
    name.domain = lower_case(typed.substr(split + 1));
    if (name.domain.empty()) return fail(Errc::refused, "the login name ends with a delimiter");
  }
  if (name.user.empty()) return fail(Errc::refused, "the login name has no user part");
  name.in_default_domain = name.domain.empty() || name.domain == default_domain;
  name.canonical = name.user;
  if (!name.domain.empty()) name.canonical += rules.canonical_delimiter + name.domain;
  return name;
}

}  // namespace openmmp::directory
