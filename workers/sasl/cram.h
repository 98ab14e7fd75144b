// CRAM-MD5 (RFC 2195) and POP3's APOP (RFC 1939): the server sends something that never comes
// again, the client a digest of it and the password. The server needs the password in clear. Pure:
// random bytes and the time come from the caller, who keeps the challenge until the answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/runtime/result.h"
#include "ipc/runtime/secret.h"

namespace openmmp::sasl {

// "<random.time@host>", for CRAM-MD5 the whole challenge, for APOP a part of the greeting. `random`
// is at least eight bytes.
std::string make_challenge(std::string_view random, int64_t unix_time, std::string_view host);

struct DigestResponse {
  std::string user;
  std::string digest;  // 32 digits
};

// What both say: name, blank, digest in lower-case hexadecimal. The name may have blanks in it.
// Errc::protocol: not such a message; Errc::refused: check_name().
Result<DigestResponse> parse_digest_response(std::string_view message);

// Errc::refused: not with this password, or there is none; Errc::unavailable: no MD5 here.
Result<> verify_cram_md5(std::string_view challenge, std::string_view digest,
                         const Secret& password);
Result<> verify_apop(std::string_view challenge, std::string_view digest, const Secret& password);

}  // namespace openmmp::sasl
