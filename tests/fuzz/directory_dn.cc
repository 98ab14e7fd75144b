// Two distinguished names, one a line.
#include "tests/fuzz/fuzz.h"
#include "workers/directory/dn.h"

namespace openmmp::fuzz {

void check_input(std::string_view input) {
  using directory::Dn;
  const Exact first = take_line(input);
  const auto a = Dn::parse(first.view());
  const auto b = Dn::parse(input);
  if (!a) return;
  const auto rdns = directory::parse_rdns(first.view());
  CHECK(rdns.has_value());
  const std::string written = directory::dn_text(*rdns);
  CHECK(is_one_line(written));
  // What is escaped takes up more room than what was.
  if (const auto again = directory::parse_rdns(written)) {
    CHECK(*again == *rdns && Dn::parse(written) == a);
  } else {
    CHECK(again.error().code == Errc::limit);
  }
  CHECK(a->is_at_or_below(*a) && a->is_at_or_below(Dn()) &&
        Dn().is_at_or_below(*a) == a->is_root());
  const std::string below = "cn=x," + std::string(first.view());
  if (const auto child = a->is_root() ? Dn::parse("cn=x") : Dn::parse(below)) {
    CHECK(child->is_at_or_below(*a) && !a->is_at_or_below(*child));
  }
  if (!b) return;
  CHECK((*a == *b) == (a->to_string() == b->to_string()));
  CHECK((*a == *b) == (a->is_at_or_below(*b) && b->is_at_or_below(*a)));
}

}  // namespace openmmp::fuzz
