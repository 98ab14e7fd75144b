// A PLAIN message as its bytes, and the same input as the base64 text of one.
#include "tests/fuzz/fuzz.h"
#include "workers/sasl/plain.h"

namespace openmmp::fuzz {
namespace {

void check_message(const Result<sasl::PlainMessage>& message) {
  if (!message) {
    CHECK(is_one_line(message.error().detail));
    return;
  }
  CHECK(!message->authcid.empty() && is_one_line(message->authcid));
  const std::string_view password = message->password.reveal();
  CHECK(password.find_first_of(std::string_view("\0\r\n", 3)) == password.npos);
  const auto again = sasl::plain_step(sasl::plain_response(message->authcid, password));
  CHECK(again && again->authcid == message->authcid && again->password.equals(password));
}

}  // namespace

void check_input(std::string_view input) {
  check_message(sasl::parse_plain(input));
  check_message(sasl::plain_step(input));
}

}  // namespace openmmp::fuzz
