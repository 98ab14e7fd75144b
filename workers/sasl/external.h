// The SASL mechanism EXTERNAL, RFC 4422 appendix A: the client is who its TLS certificate says, and
// may name whom to act for. Pure.
#pragma once

#include <string>
#include <string_view>

#include "ipc/runtime/result.h"

namespace openmmp::sasl {

// The authorization identity of a message; empty: the one that goes with the certificate.
// Errc::refused: check_name().
Result<std::string> parse_external(std::string_view message);

}  // namespace openmmp::sasl
