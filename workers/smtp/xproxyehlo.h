// XPROXYEHLO (XPEHLO): EHLO in the client's name, with all that the proxy knows of it, to a relay
// that shares a secret with us. The original's syntax is not public; docs/xproxyehlo.md has ours.
// Pure: the only random number is the relay's nonce.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ipc/runtime/result.h"
#include "ipc/runtime/secret.h"
#include "workers/smtp/xclient.h"

namespace openmmp::smtp {

// How the relay learns that it is us.
enum class PasswordForm {
  nonce,  // HMAC-SHA-256, with the relay's nonce and all that is said
  clear,  // the password itself, in xtext: only where nobody can listen, or the operator says so
};

// Of the whole line with its CRLF.
constexpr size_t longest_xproxyehlo = 2048;

// The command, without line end. `nonce` is what the relay announced behind the keyword; what is
// not 16 to 255 printed characters is none. In the clear form the result is a secret: wipe() it.
// Errc::limit: the facts do not fit. Errc::protocol: there is no nonce, and that form needs one.
// Errc::refused: the password is empty.
Result<std::string> xproxyehlo_command(const ClientFacts& facts, std::string_view keyword,
                                       PasswordForm form, std::string_view nonce,
                                       const Secret& password);

}  // namespace openmmp::smtp
