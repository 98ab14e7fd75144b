// The option reference, docs/options.md, rendered from the option table.
#pragma once

#include <string>

namespace openmmp::config {

std::string options_markdown();

}  // namespace openmmp::config
