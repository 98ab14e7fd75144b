// What a value of a directory's userPassword is, to choose the mechanisms that it can serve. Pure.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "ipc/runtime/secret.h"
#include "workers/sasl/scram_secret.h"

namespace openmmp::sasl {

// Serves every mechanism.
struct ClearPassword {
  Secret text;
};

// Serves a comparison with a clear password only, by whoever knows the scheme. Also what nobody
// can use: an unknown scheme, an empty password, a malformed SCRAM secret.
struct OpaquePassword {
  std::string scheme;  // in lower case, without braces; empty: none
  Secret value;        // what follows it
};

using StoredPassword = std::variant<ClearPassword, ScramSecret, OpaquePassword>;

// "{CLEAR}", "{CLEARTEXT}", "{PLAIN}" or no scheme at all: a clear password. A scheme is letters,
// digits, ".", "_", "-" or "/" in braces: a password that begins so needs one of these before it.
StoredPassword classify_password(std::string_view value);

}  // namespace openmmp::sasl
