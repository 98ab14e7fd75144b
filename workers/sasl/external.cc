#include "workers/sasl/external.h"

#include "workers/sasl/credentials.h"

namespace openmmp::sasl {

Result<std::string> parse_external(std::string_view message) {
  if (message.empty()) return std::string();
  if (auto good = check_name(message); !good) return fail(std::move(good.error()));
  return std::string(message);
}

}  // namespace openmmp::sasl
