// An LDIF file: read from its beginning, again from where each entry begins, and once more as we
// would write it.
#include <set>

#include "tests/fuzz/fuzz.h"
#include "workers/directory/ldif.h"
#include "workers/sasl/base64.h"

namespace openmmp::fuzz {
namespace {

using directory::Entry;

// What stands before a colon, in small letters: an Entry does not tell what it has.
std::set<std::string> candidate_names(std::string_view text) {
  std::set<std::string> names;
  for_each_line(text, [&names](std::string_view line) {
    std::string name(line.substr(0, line.find(':')));
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    names.insert(std::move(name));
  });
  return names;
}

void check_equal(const Entry& a, const Entry& b, const std::set<std::string>& names) {
  CHECK(a.dn() == b.dn());
  for (const std::string& name : names) {
    const directory::Values* const values = a.find(name);
    CHECK((values == nullptr) == (b.find(name) == nullptr));
    CHECK(values == nullptr || (!values->empty() && *values == *b.find(name)));
  }
}

std::string render(const Entry& entry, const std::set<std::string>& names) {
  std::string text = "dn:: " + sasl::base64_encode(entry.dn()) + "\n";
  for (const std::string& name : names) {
    if (entry.find(name) == nullptr) continue;
    for (const std::string& value : *entry.find(name)) {
      text += name + ":: " + sasl::base64_encode(value) + "\n";
    }
  }
  return text;
}

}  // namespace

void check_input(std::string_view input) {
  const std::set<std::string> names = candidate_names(input);
  directory::LdifReader reader(input);
  auto entry = reader.next();
  for (; entry && *entry; entry = reader.next()) {
    directory::LdifReader from_there(input, reader.position());
    const auto again = from_there.next();
    CHECK(again && *again);
    check_equal(**entry, **again, names);
    const std::string written = render(**entry, names);
    const auto copy = directory::LdifReader(written).next();
    CHECK(copy && *copy);
    check_equal(**entry, **copy, names);
  }
  CHECK(entry || entry.error().detail.starts_with("line "));
}

}  // namespace openmmp::fuzz
