// What options of a service mean together: combinations that cannot work are errors, those that do
// less than they seem to promise are warnings. Pure.
#pragma once

#include "config/config.h"
#include "config/diagnostics.h"
#include "config/section.h"

namespace openmmp::config {

void check_rules(const Section& section, const Service& service, Diagnostics& out);

}  // namespace openmmp::config
