// A PLAIN message as its bytes, and the same input as the base64 text of one.
#include "tests/fuzz/fuzz.h"
#include "workers/sasl/base64.h"
#include "workers/sasl/plain.h"

namespace openmmp::fuzz {
namespace {

Result<sasl::PlainMessage> decode_and_parse(std::string_view base64) {
  const Result<Secret> text = sasl::decode_response(base64);
  if (!text) return fail(Error(text.error()));
  return sasl::parse_plain(text->reveal());
}

void check_message(const Result<sasl::PlainMessage>& message) {
  if (!message) {
    CHECK(is_one_line(message.error().detail));
    return;
  }
  CHECK(!message->authcid.empty() && is_one_line(message->authcid));
  const std::string_view password = message->password.reveal();
  CHECK(password.find_first_of(std::string_view("\0\r\n", 3)) == password.npos);
  const auto again = decode_and_parse(sasl::plain_response(message->authcid, password));
  CHECK(again && again->authcid == message->authcid && again->password.equals(password));
}

}  // namespace

void check_input(std::string_view input) {
  check_message(sasl::parse_plain(input));
  check_message(decode_and_parse(input));
}

}  // namespace openmmp::fuzz
