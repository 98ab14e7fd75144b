// OCSP (RFC 6960) for stapling: the question about a certificate, what an answer is worth, and the
// way to the responder. `chain` is PEM: the certificate, then its issuer. Only fetch_ocsp() does
// input and output.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "ipc/runtime/result.h"

namespace openmmp::tls {

struct OcspFacts {
  int64_t this_update = 0;  // seconds since 1970
  int64_t next_update = 0;  // 0: the responder always has newer
};

// DER of the request. Errc::refused: `chain` lacks the issuer.
Result<std::string> ocsp_request(const std::string& chain);

// Errc::refused: `response` (DER) is no OCSP response, or no definite "good" about this certificate
// signed by its issuer or the issuer's delegate.
Result<OcspFacts> ocsp_facts(const std::string& response, const std::string& chain);
// As above, and fresh at `now`.
Result<OcspFacts> check_ocsp(const std::string& response, const std::string& chain, int64_t now);

// Blocks; for a thread of its own. http:// only. Errc::unavailable: no answer in time, or none of
// at most 64 KiB.
Result<std::string> fetch_ocsp(const std::string& url, const std::string& request,
                               std::chrono::seconds timeout);

}  // namespace openmmp::tls
