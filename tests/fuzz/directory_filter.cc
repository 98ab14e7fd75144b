// A filter in the first line, and below it LDIF with entries that it is matched against.
#include <fmt/format.h>

#include "tests/fuzz/fuzz.h"
#include "workers/directory/filter.h"
#include "workers/directory/ldif.h"

namespace openmmp::fuzz {
namespace {

using directory::Filter;
using directory::Truth;
using Kind = Filter::Kind;

std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) text += fmt::format("\\{:02x}", static_cast<unsigned char>(c));
  return text;
}

std::string render_pieces(const Filter& filter) {
  std::string text = escaped(filter.initial) + "*";
  for (const std::string& piece : filter.middle) text += escaped(piece) + "*";
  return text + escaped(filter.final);
}

std::string render(const Filter& filter) {
  const bool is_pieces = filter.kind == Kind::present || filter.kind == Kind::substrings;
  if (is_pieces) return "(" + filter.attribute + "=" + render_pieces(filter) + ")";
  const char* const signs[] = {"&", "|", "!", "=", "", "", ">=", "<="};
  const char* const sign = signs[static_cast<size_t>(filter.kind)];
  if (!filter.attribute.empty()) return "(" + filter.attribute + sign + escaped(filter.value) + ")";
  std::string text = std::string("(") + sign;
  for (const Filter& part : filter.parts) text += render(part);
  return text + ")";
}

}  // namespace

void check_input(std::string_view input) {
  const Exact text = take_line(input);
  const auto filter = directory::parse_filter(text.view());
  if (!filter) return;
  const std::string written = render(*filter);
  const auto again = directory::parse_filter(written);
  CHECK(again || again.error().code == Errc::limit);
  if (!again) return;
  Filter negation;
  negation.kind = Kind::negation;
  negation.parts.push_back(*filter);
  directory::LdifReader reader(input);
  for (auto entry = reader.next(); entry && *entry; entry = reader.next()) {
    const Truth truth = match(*filter, **entry);
    CHECK(match(*again, **entry) == truth);
    const Truth opposite = match(negation, **entry);
    CHECK((truth == Truth::undefined) == (opposite == Truth::undefined));
    CHECK(truth == Truth::undefined || truth != opposite);
  }
}

}  // namespace openmmp::fuzz
