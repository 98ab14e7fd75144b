// Files of the protections and the spoofed mailbox, read as the workers will read them, so that a
// wrong line is an error of `check` and not a worker that does not start.
#pragma once

#include <string>

#include "config/config.h"
#include "config/diagnostics.h"

namespace openmmp::config {

// Does nothing for files of other options, which are looked at elsewhere. `name` is the file's name
// for the diagnostics.
void check_contents(const ServiceFile& file, const std::string& name, Diagnostics& out);

}  // namespace openmmp::config
