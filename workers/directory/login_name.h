// A login name: checked, and split into user and domain. Pure.
#pragma once

#include <string>
#include <string_view>

#include "ipc/runtime/result.h"

namespace openmmp::directory {

// The options that say what a name means.
struct NameRules {
  std::string delimiters = "@";           // each character separates user and domain
  std::string canonical_delimiter = "@";  // what we write between them
  std::string default_domain;             // of names without a domain; may be empty
};

struct LoginName {
  std::string typed;
  std::string user;
  std::string domain;             // in lower case; empty: there is none
  std::string canonical;          // user + canonical delimiter + domain, or just user
  bool in_default_domain = true;  // or in none
};

// Errc::refused for a name that nobody can have: empty parts, not UTF-8, control characters, too
// long. `detail` says which and does not repeat the name.
Result<LoginName> parse_login_name(std::string_view typed, const NameRules& rules);

}  // namespace openmmp::directory
