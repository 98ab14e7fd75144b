// Tags at the front of a line, announcements of literals at its end, and quoting.
#include <algorithm>
#include <string>

#include "tests/fuzz/fuzz.h"
#include "workers/imap/syntax.h"

namespace openmmp::fuzz {
namespace {

void check_literal(std::string_view line) {
  const auto literal = imap::trailing_literal(line);
  const auto behind = imap::trailing_literal("a1 {1} " + std::string(line));
  CHECK(literal.has_value() == behind.has_value());  // only the end of a line counts
  if (!literal) return;
  CHECK(behind->size == literal->size && behind->synchronising == literal->synchronising);
  const std::string written =
      "{" + std::to_string(literal->size) + (literal->synchronising ? "}" : "+}");
  const auto again = imap::trailing_literal(written);
  CHECK(again && again->size == literal->size && again->synchronising == literal->synchronising);
}

// A tag may have "]" where an atom may not.
bool is_tag(std::string tag) {
  std::replace(tag.begin(), tag.end(), ']', 'x');
  return imap::is_atom(tag);
}

void check_line(std::string_view line) {
  check_literal(line);
  const std::string_view tag = imap::reply_tag(line);
  CHECK(tag == "*" || (is_tag(std::string(tag)) && line.starts_with(tag) && tag.size() <= 255));
  CHECK(!imap::is_quotable(line) || is_one_line(line));
  CHECK(imap::quoted(line).size() <= 2 * line.size() + 2);
}

}  // namespace

void check_input(std::string_view input) { for_each_line(input, check_line); }

}  // namespace openmmp::fuzz
