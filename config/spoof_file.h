// SpoofMessageFile: one message as POP3 sends it, with CRLF line ends, and each line that begins
// with a dot having one more. A line "." may end it. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "config/cfg_file.h"

namespace openmmp::config {

inline constexpr size_t max_spoof_file = size_t{1024} * 1024;

// What would reach clients otherwise than its writer meant; the text of each says what to do.
std::vector<CfgFault> spoof_file_faults(std::string_view text);

}  // namespace openmmp::config
