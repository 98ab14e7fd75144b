// What options of AService.cfg mean together, and what is in the files that they name.
#pragma once

#include <string>

#include "config/diagnostics.h"
#include "config/section.h"

namespace openmmp::config {

// Of SharedStateCaFile.
constexpr size_t max_authorities = 1024 * 1024;

// Of SharedStatePrefix.
constexpr size_t max_prefix = 256;

// `file` is the name of AService.cfg for messages; relative paths lead from `directory`.
void check_process(const Section& section, const std::string& file, const std::string& directory,
                   Diagnostics& out);

}  // namespace openmmp::config
