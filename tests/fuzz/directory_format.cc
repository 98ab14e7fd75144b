// A SearchFormat (also taken for a ReplayFormat) in the first line, a login name in the second:
// whatever the name is, the filter stays the one that the operator wrote.
#include "tests/fuzz/fuzz.h"
#include "workers/directory/format.h"

namespace openmmp::fuzz {
namespace {

using directory::Filter;

// Same attributes in the same places. A value that is missing becomes '*', so kinds may differ.
bool same_shape(const Filter& a, const Filter& b) {
  if (a.attribute != b.attribute || a.parts.size() != b.parts.size()) return false;
  if (a.attribute.empty() && a.kind != b.kind) return false;
  for (size_t i = 0; i < a.parts.size(); ++i) {
    if (!same_shape(a.parts[i], b.parts[i])) return false;
  }
  return true;
}

void check_filter(std::string_view text, const directory::LoginName& name) {
  const auto format = directory::FilterFormat::parse(text);
  if (!format) return;
  const std::string filled = format->fill(name, "192.0.2.1", "2001:db8::1", "CN=*(joe)");
  const auto filter = directory::parse_filter(filled);
  CHECK(filter || filter.error().code == Errc::limit);
  CHECK(!filter || same_shape(*filter, format->sample()));
}

void check_replay(std::string_view text, const directory::LoginName& name) {
  const auto format = directory::ReplayFormat::parse(text, "@");
  if (!format) return;
  directory::Entry entry("cn=joe");
  entry.add("uid", name.user);
  const auto replay = format->fill(name, entry);
  CHECK(!replay || (!replay->empty() && is_one_line(*replay)));
}

}  // namespace

void check_input(std::string_view input) {
  const Exact format = take_line(input);
  const Exact typed = take_line(input);
  const auto name = directory::parse_login_name(typed.view(), {});
  if (!name) return;
  check_filter(format.view(), *name);
  check_replay(format.view(), *name);
}

}  // namespace openmmp::fuzz
