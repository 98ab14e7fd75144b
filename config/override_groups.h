// The syntax that the vdmap file and StoreFile share: options for a group of things.
//   KEYWORD NAME MEMBER...
//   NAME:OPTION VALUE
// NAME ties lines together; options may stand before the line of their group. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnostics.h"
#include "config/option_table.h"

namespace openmmp::config {

struct OverrideGroup {
  std::string name;
  std::vector<std::string> members;
  Pairs overrides;
  int line = 0;  // its first
};

// What one of these files has of its own.
struct GroupSyntax {
  std::string_view keyword;
  std::string_view usage;  // "vdmap NAME IPADDR"
  std::string_view noun;   // "virtual domain"
  size_t max_members;      // in a line
  bool lines_add_up;       // a group may have several lines
  Scope scope;             // of its options
  // The member as it is to be compared; a failure says what would be accepted.
  Result<std::string> (*member)(std::string_view word);
};

// The groups in the order of their first lines. `file` is the name for the diagnostics.
std::vector<OverrideGroup> parse_override_groups(const GroupSyntax& syntax, std::string_view text,
                                                 const std::string& file, Diagnostics& out);

}  // namespace openmmp::config
