// A client's answer to CRAM-MD5 or APOP; what comes out of it goes into a directory's filter.
#include "tests/fuzz/fuzz.h"
#include "workers/sasl/cram.h"

namespace openmmp::fuzz {

void check_input(std::string_view input) {
  const auto response = sasl::parse_digest_response(input);
  if (!response) {
    CHECK(is_one_line(response.error().detail));
    return;
  }
  CHECK(!response->user.empty() && is_one_line(response->user));
  CHECK(response->user + ' ' + response->digest == input);
  const Secret password = Secret::copy_of(response->user);
  CHECK(!sasl::verify_cram_md5("<1.2@host>", response->digest, password));
  CHECK(!sasl::verify_apop("<1.2@host>", response->digest, password));
}

}  // namespace openmmp::fuzz
