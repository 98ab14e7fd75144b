// What the options of submission mean together: an SMTP service's own, and those of POP before
// SMTP, which are in two services. Combinations that cannot work are errors, those that do less
// than they seem to promise are warnings. Pure.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/diagnostics.h"
#include "config/section.h"

namespace openmmp::config {

void check_smtp_rules(const Section& section, const Service& service, Diagnostics& out);

// `sections` are those of the services, in the same order.
void check_pop_before_smtp(const std::vector<Section>& sections,
                           const std::vector<Service>& services, Diagnostics& out);

}  // namespace openmmp::config
