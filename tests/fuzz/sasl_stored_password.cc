// A value of userPassword: what it is, and that nothing else is made of it.
#include "tests/fuzz/fuzz.h"
#include "workers/sasl/stored_password.h"

namespace openmmp::fuzz {

void check_input(std::string_view input) {
  const auto password = sasl::classify_password(input);
  if (const auto* clear = std::get_if<sasl::ClearPassword>(&password)) {
    CHECK(!clear->text.empty() && input.ends_with(clear->text.reveal()));
  } else if (const auto* opaque = std::get_if<sasl::OpaquePassword>(&password)) {
    CHECK(input.ends_with(opaque->value.reveal()) && is_one_line(opaque->scheme));
  } else {
    const auto& secret = std::get<sasl::ScramSecret>(password);
    CHECK(secret.iterations >= sasl::fewest_iterations);
    CHECK(secret.iterations <= sasl::most_iterations && !secret.salt.empty());
    CHECK(secret.stored_key.reveal().size() == 32 && secret.server_key.reveal().size() == 32);
  }
  const auto secret = sasl::parse_scram_secret(input);
  CHECK(secret || is_one_line(secret.error().detail));
}

}  // namespace openmmp::fuzz
