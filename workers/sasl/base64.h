// Base64 as RFC 4648 section 4 has it, nothing more lenient: mail clients that send anything else
// are broken or probing. What comes out of base64_decode() is often a password, so it is built in
// one block that never grows: wiping the result wipes every copy. What fails is wiped at once.
#pragma once

#include <string>
#include <string_view>

#include "ipc/runtime/result.h"
#include "ipc/runtime/secret.h"

namespace openmmp::sasl {

std::string base64_encode(std::string_view bytes);

// Errc::protocol: a length that is no multiple of four, a character that is not of the alphabet,
// padding elsewhere than at the end, or bits behind the last byte that are not zero.
Result<std::string> base64_decode(std::string_view text);

// A client's line in answer to a challenge, as bytes. The protocol has looked for its "*" before.
Result<Secret> decode_response(std::string_view line);

}  // namespace openmmp::sasl
