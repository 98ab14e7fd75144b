// A stored password on the first line and a password on the rest: no verdict but the right one, and
// nothing of either in what is said about it.
#include "tests/fuzz/fuzz.h"
#include "workers/sasl/password_hash.h"

namespace openmmp::fuzz {

void check_input(std::string_view input) {
  const Exact stored = take_line(input);
  const Exact rest(input);
  const Secret password = Secret::copy_of(rest.view());
  // Costly on purpose: only what is cheap is worth thousands of runs a second.
  if (sasl::is_slow(stored.view()) && stored.view().find("$1$") == std::string_view::npos) return;
  const Result<bool> right = sasl::verify_password(stored.view(), password);
  CHECK(right || right.error().code == Errc::unavailable);
  CHECK(right || is_one_line(right.error().detail));
  CHECK(right || right.error().detail.size() < 150);
  CHECK(!(right && *right && password.empty()));
}

}  // namespace openmmp::fuzz
