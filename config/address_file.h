// Files of lines with "#" comments, as ConnLimits and BGExcluded name them. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "ipc/runtime/network.h"
#include "ipc/runtime/result.h"

namespace openmmp::config {

// What the options accept; such a file is edited by people and read whole.
inline constexpr size_t max_address_file = size_t{256} * 1024;

// The line without its comment and without blanks around it.
std::string_view without_comment(std::string_view line);

// All lines of a text, without their comments.
std::vector<std::string_view> lines_without_comments(std::string_view text);

// The file of BGExcluded: an address, NETWORK/BITS or IP|MASK a line.
Result<Networks> parse_address_file(std::string_view text);

}  // namespace openmmp::config
