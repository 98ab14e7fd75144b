// StoreFile, which gives some stores options of their own:
//   store NAME HOST...
//   NAME:OPTION VALUE
// HOST is a store as the directory names it, "mail.example.com", "192.0.2.1", each with ":PORT" or
// without, which is any port; or "*.example.com", "192.0.2.0/24", or "*" for all. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnostics.h"

namespace openmmp::config {

// The groups in the order of the file. `file` is the name for the diagnostics.
std::vector<StoreGroup> parse_store_file(std::string_view text, const std::string& file,
                                         Diagnostics& out);

// The first group that has this store, null when none has. The host is as the directory names it:
// a name is not looked up, so that addresses and networks are for stores named by an address.
const StoreGroup* find_store_group(const std::vector<StoreGroup>& groups, const HostPort& store);

}  // namespace openmmp::config
