// Delimiters in the first line, a login name in the second.
#include "config/option_syntax.h"
#include "tests/fuzz/fuzz.h"
#include "workers/directory/login_name.h"

namespace openmmp::fuzz {

void check_input(std::string_view input) {
  const Exact delimiters = take_line(input);
  const Exact typed = take_line(input);
  if (!config::check_form(config::Form::characters, delimiters.view())) return;
  directory::NameRules rules;
  rules.delimiters = "@" + std::string(delimiters.view());
  rules.default_domain = "Example.COM";
  const auto name = directory::parse_login_name(typed.view(), rules);
  if (!name) {
    CHECK(name.error().code == Errc::refused && is_one_line(name.error().detail));
    return;
  }
  CHECK(name->typed == typed.view() && is_one_line(name->canonical));
  CHECK(!name->user.empty() && typed.view().starts_with(name->user));
  CHECK(name->domain.find_first_of("@"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos);
  CHECK(name->in_default_domain == (name->domain == "example.com"));
  rules.delimiters = "@";
  const auto again = directory::parse_login_name(name->canonical, rules);
  CHECK(again || name->canonical.size() > 512);
  CHECK(!again || (again->user == name->user && again->domain == name->domain));
}

}  // namespace openmmp::fuzz
