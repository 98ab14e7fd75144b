// Base64, both ways, and the two decoders of the tree against each other.
#include "tests/fuzz/fuzz.h"
#include "workers/directory/ldif.h"
#include "workers/sasl/base64.h"

namespace openmmp::fuzz {

void check_input(std::string_view input) {
  const auto decoded = sasl::base64_decode(input);
  CHECK(!decoded || sasl::base64_encode(*decoded) == input);  // one text for one meaning
  const auto encoded = sasl::base64_encode(input);
  CHECK(sasl::base64_decode(encoded) == std::string(input));
  const auto other = directory::decode_base64(input);
  CHECK(other.has_value() == decoded.has_value() && (!other || *other == *decoded));
}

}  // namespace openmmp::fuzz
