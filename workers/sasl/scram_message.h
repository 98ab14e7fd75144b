// What a client says in SCRAM, taken apart: RFC 5802 section 7. Pure; scram.h judges it.
#pragma once

#include <string>
#include <string_view>

#include "ipc/runtime/result.h"
#include "ipc/runtime/secret.h"
#include "workers/sasl/gs2.h"

namespace openmmp::sasl {

// client-first-message: who wants in.
struct ScramFirst {
  Gs2Header gs2;
  std::string bare;   // verbatim, all behind the header: it is a part of what is signed
  std::string user;   // decoded
  std::string nonce;  // the client's
};
// Errc::protocol: malformed; Errc::refused: check_name(), or an extension that we do not know and
// may not pass over.
Result<ScramFirst> parse_scram_first(std::string_view message);

// client-final-message: the proof.
struct ScramFinal {
  std::string binding;  // the GS2 header again, and behind it the channel binding data
  std::string nonce;
  std::string without_proof;  // verbatim: it is a part of what is signed
  Secret proof;               // of the size of a SHA-256
};
Result<ScramFinal> parse_scram_final(std::string_view message);

// Printable ASCII but the comma, not empty, not longer than anybody needs.
bool is_scram_nonce(std::string_view nonce);

}  // namespace openmmp::sasl
