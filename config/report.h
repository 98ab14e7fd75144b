// What `check` prints: every diagnostic, and the settings that result. Secrets are "***".
#pragma once

#include <string>

#include "config/config.h"

namespace openmmp::config {

// For people: a line for each diagnostic, then each service with the options that differ from
// their defaults.
std::string check_text(const Config& config);

// One JSON document with every option of every service:
// {"ok", "directory", "diagnostics": [{"severity", "file", "line", "option", "text"}],
//  "process": {...}, "services": [{"name", "executable", "listeners", "file", "section",
//  "settings": {...}, "virtual_domains": [...], "store_groups": [...],
//  "certificates": [{"option", "file", "names", "key_type", "expires"}]}]}
std::string check_json(const Config& config);

}  // namespace openmmp::config
