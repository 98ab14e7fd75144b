// What a name and a password may consist of, whichever protocol and command brought them. Past
// this check they go to the directory and to a store, as parts of filters and protocol lines.
#pragma once

#include <string_view>

#include "ipc/runtime/result.h"

namespace openmmp::sasl {

// Errc::refused says what is wrong, in words that may be sent to the client: a name must be UTF-8
// without control characters and not empty; a password must not be empty nor contain NUL, CR or LF,
// which no mail protocol can carry.
Result<> check_credentials(std::string_view user, std::string_view password);

}  // namespace openmmp::sasl
