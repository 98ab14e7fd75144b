#include "supervisor/child.h"

#include <fmt/format.h>

namespace openmmp::supervisor {

std::string ChildEnd::to_string() const {
  return signal != 0 ? fmt::format("signal {}", signal) : fmt::format("exit status {}", status);
}

}  // namespace openmmp::supervisor
