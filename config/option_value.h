// Values of options: text of a file into a field of Settings, and a field back into text. Pure.
#pragma once

#include <string>
#include <string_view>

#include "config/option_table.h"
#include "ipc/runtime/result.h"

namespace openmmp::config {

// Parses and checks `value` and stores it in the option's field, which stays as it was on failure.
// The failure says what is wrong and what is accepted.
Result<> set_value(Settings& settings, const Option& option, std::string_view value);

// The field as a file would have it, without quotes. A secret is "***", or "" when there is none.
std::string value_text(const Settings& settings, const Option& option);
// The same of a default-constructed Settings.
std::string default_text(const Option& option);

// "boolean", "number", "words": for the documentation.
std::string type_name(const Option& option);
bool is_secret(const Option& option);

}  // namespace openmmp::config
