// What a name and a password may consist of, whichever protocol and command brought them. Past
// this check they go to the directory and to a store, as parts of filters and protocol lines.
#pragma once

#include <string_view>

#include "ipc/runtime/result.h"

namespace openmmp::sasl {

// A name: UTF-8 without control characters, not empty, and no longer than any mailbox's name is.
// Errc::refused says what is wrong, in words that may be sent to the client.
Result<> check_name(std::string_view user);

// Errc::refused says what is wrong, in words that may be sent to the client: a name must pass
// check_name(); a password must not be empty nor contain NUL, CR or LF, which no mail protocol can
// carry.
Result<> check_credentials(std::string_view user, std::string_view password);

}  // namespace openmmp::sasl
