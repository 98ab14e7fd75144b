// The lines of one section held against the option table: from CfgLines to Settings and to the
// pairs that are handed to the workers. Pure; what is wrong goes to the Diagnostics.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/cfg_file.h"
#include "config/diagnostics.h"
#include "config/option_table.h"

namespace openmmp::config {

// An option that a section sets to a good value.
struct Given {
  const Option* option = nullptr;
  std::string value;
  int line = 0;
};

struct Section {
  Settings settings;
  std::vector<Given> given;  // each option once, as it was set last
  const Given* find(std::string_view option) const;
  Pairs pairs() const;
};

// Reads the lines of `names`, least specific section first, of a file that belongs to `scope`
// (one bit). A later line for an option wins; a more specific section wins over its lines' order.
Section read_section(const CfgFile& cfg, const std::string& file,
                     std::span<const std::string_view> names, Scope scope, Diagnostics& out);

// The option of a line; null, and a word about it, when there is none, it has no place in `scope`
// or does not take several quoted words.
const Option* option_of(const CfgLine& line, const std::string& file, Scope scope,
                        Diagnostics& out);

}  // namespace openmmp::config
