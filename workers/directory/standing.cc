#include "workers/directory/standing.h"

#include <fmt/format.h>

#include "ipc/runtime/text.h"
#include "workers/directory/text.h"

namespace openmmp::directory {

namespace {

struct Meaning {
  std::string_view value;
  Standing standing;
  bool of_users_only;
};

constexpr Meaning meanings[] = {
    {"active", Standing::active, false},  {"overquota", Standing::active, false},
    {"hold", Standing::suspended, false}, {"inactive", Standing::suspended, false},
    {"defer", Standing::suspended, true}, {"defer-submit", Standing::suspended, true},
};

}  // namespace

Standing standing_of(StatusOf what, std::string_view value) {
  const std::string folded = fold(value);
  // Nothing but blanks is no value.
  if (folded.empty() || folded == " ") return Standing::active;
  for (const Meaning& meaning : meanings) {
    if (meaning.of_users_only && what == StatusOf::domain) continue;
    if (folded == meaning.value) return meaning.standing;
  }
  return Standing::closed;
}

void Judgement::add(StatusOf what, std::string_view name, const Entry& entry,
                    std::string_view attribute) {
  const Values* values = entry.find(attribute);
  if (values == nullptr) return;
  for (const std::string& value : *values) {
    const Standing standing = standing_of(what, value);
    if (standing <= standing_) continue;
    standing_ = standing;
    text_ = fmt::format("{} '{}' {}: '{}'", what == StatusOf::domain ? "domain" : "user", name,
                        attribute, one_line(value));
  }
}

}  // namespace openmmp::directory
