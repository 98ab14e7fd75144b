#include "workers/sasl/mechanism.h"

#include <array>
#include <cstddef>

#include "ipc/runtime/text.h"

namespace openmmp::sasl {
namespace {

struct Row {
  std::string_view name;
  bool takes_initial_response;
  bool reveals_secret;
};

// In the order of Mechanism.
constexpr std::array<Row, 8> rows = {{
    {"PLAIN", true, true},
    {"LOGIN", true, true},
    {"EXTERNAL", true, false},
    {"CRAM-MD5", false, false},
    {"SCRAM-SHA-256", true, false},
    {"SCRAM-SHA-256-PLUS", true, false},
    {"XOAUTH2", true, true},
    {"OAUTHBEARER", true, true},
}};
static_assert(static_cast<size_t>(Mechanism::oauthbearer) + 1 == rows.size());

const Row& row_of(Mechanism mechanism) { return rows[static_cast<size_t>(mechanism)]; }

}  // namespace

std::string_view name_of(Mechanism mechanism) { return row_of(mechanism).name; }

std::optional<Mechanism> from_name(std::string_view name) {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (equals_ignoring_case(rows[i].name, name)) return static_cast<Mechanism>(i);
  }
  return std::nullopt;
}

bool takes_initial_response(Mechanism mechanism) {
  return row_of(mechanism).takes_initial_response;
}

bool reveals_secret(Mechanism mechanism) { return row_of(mechanism).reveals_secret; }

}  // namespace openmmp::sasl
