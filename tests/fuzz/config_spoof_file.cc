// SpoofMessageFile.
#include "config/spoof_file.h"
#include "tests/fuzz/fuzz.h"

namespace openmmp::fuzz {

void check_input(std::string_view input) {
  const auto lines = static_cast<int>(std::count(input.begin(), input.end(), '\n'));
  for (const config::CfgFault& fault : config::spoof_file_faults(input)) {
    CHECK(fault.line >= 0 && fault.line <= lines + 1 && is_one_line(fault.text));
  }
}

}  // namespace openmmp::fuzz
