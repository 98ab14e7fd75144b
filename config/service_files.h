// Which files the options of a service name, relative or by nickname: found and opened once, so
// that a file that is not there is an error now and not a riddle in the log later.
#pragma once

#include <string>

#include "config/config.h"
#include "config/diagnostics.h"
#include "config/section.h"

namespace openmmp::config {

// Where an option of a service stands: its line, or no line when it is as by default.
Place place_of(const Service& service, const Section& section, std::string_view option);

// Fills service.files. `directory` is the instance's.
void find_files(const std::string& directory, const Section& section, Service& service,
                Diagnostics& out);

}  // namespace openmmp::config
