// SSLCipherSpecs as an operator may have written it.
#include "ipc/tls/cipher_specs.h"
#include "tests/fuzz/fuzz.h"

namespace openmmp::fuzz {

void check_input(std::string_view input) {
  const Exact specs(input);
  const auto lists = tls::parse_cipher_specs(specs.view());
  if (!lists) {
    CHECK(is_one_line(lists.error().detail));
    return;
  }
  CHECK(is_one_line(lists->tls1_2) && is_one_line(lists->tls1_3));
  // Whatever else is in it, what protects nothing is left out at its end.
  CHECK(lists->tls1_2.empty() || lists->tls1_2.find(":!aNULL:!eNULL") != std::string::npos);
}

}  // namespace openmmp::fuzz
