// The SASL mechanisms by name, and what a protocol must know of each to carry it. Each has a file
// of its own (cram.h, external.h, login.h, oauth.h, plain.h, scram.h), all with one manner: what
// comes from a client and goes to it are bytes, to be taken out of base64 by decode_response() and
// put into it by base64_encode(); what goes to a store is the base64 text itself.
//
// Errors, too, are alike. Errc::protocol: malformed; Errc::refused: well-formed, and the answer is
// no. `detail` may be sent to the client: it never says more than the client knows.
#pragma once

#include <optional>
#include <string_view>

namespace openmmp::sasl {

enum class Mechanism {
  plain,
  login,
  external,
  cram_md5,
  scram_sha_256,
  scram_sha_256_plus,
  xoauth2,
  oauthbearer,
};

// As capabilities spell it.
std::string_view name_of(Mechanism mechanism);
// In any case of letters; nothing for a mechanism that is not one of ours.
std::optional<Mechanism> from_name(std::string_view name);

// Whether the client may speak first. Where it does not, the server's first challenge is empty,
// except for LOGIN, which asks for the name, and for CRAM-MD5, which never takes one.
bool takes_initial_response(Mechanism mechanism);

// Whether whoever reads the client's lines can log in with what they say. For
// RestrictPlainPasswords.
bool reveals_secret(Mechanism mechanism);

}  // namespace openmmp::sasl
