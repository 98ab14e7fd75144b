// The vdmap file, which gives settings of their own to clients that arrive at certain local
// addresses:
//   vdmap NAME IPADDR
//   NAME:OPTION VALUE
// NAME only ties lines together; several vdmap lines may share one. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnostics.h"

namespace openmmp::config {

// The virtual domains in the order of the file. `file` is the name for the diagnostics.
std::vector<VirtualDomain> parse_vdmap(std::string_view text, const std::string& file,
                                       Diagnostics& out);

}  // namespace openmmp::config
