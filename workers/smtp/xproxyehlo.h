// XPROXYEHLO (XPEHLO): EHLO in the client's name, with all that the proxy knows of it, to a relay
// that shares a secret with us. The original's syntax is not public; docs/xproxyehlo.md has ours.
// Pure but for the random number that the caller gives.
#pragma once

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

// The command, without line end. `nonce` is what the relay announced behind the keyword.
// Errc::limit: the facts do not fit.
Result<std::string> xproxyehlo_command(const ClientFacts& facts, std::string_view keyword,
                                       PasswordForm form, std::string_view nonce,
                                       const Secret& password);

}  // namespace openmmp::smtp
