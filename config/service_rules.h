// What options of a service mean together: combinations that cannot work are errors, those that do
// less than they seem to promise are warnings. Pure.
#pragma once

#include <string_view>

#include "config/config.h"
#include "config/diagnostics.h"
#include "config/section.h"

namespace openmmp::config {

void check_rules(const Section& section, const Service& service, Diagnostics& out);

// Warns of ports in the value of this option, of Form::ssl_ports, where the service does not
// listen.
void check_listed(std::string_view option, const Section& section, const Service& service,
                  Diagnostics& out);

}  // namespace openmmp::config
