// A filter in the first line and LDIF below it: what the indexes find is what matching every entry
// finds.
#include "tests/fuzz/fuzz.h"
#include "workers/directory/embedded.h"

namespace openmmp::fuzz {

void check_input(std::string_view input) {
  const Exact text = take_line(input);
  const auto filter = directory::parse_filter(text.view());
  auto embedded = directory::EmbeddedDirectory::from_ldif(std::string(input));
  if (!filter || !embedded) return;
  std::vector<std::string> expected;
  directory::LdifReader reader(input);
  for (auto entry = reader.next(); entry && *entry; entry = reader.next()) {
    if (match(*filter, **entry) == directory::Truth::yes) expected.push_back((*entry)->dn());
  }
  std::vector<std::string> found;
  for (const auto& entry : embedded->search(directory::Dn(), *filter, input.size())) {
    found.push_back(entry.dn());
  }
  CHECK(found == expected);
}

}  // namespace openmmp::fuzz
