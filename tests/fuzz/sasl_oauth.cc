// An OAuth message, first as XOAUTH2, then as OAUTHBEARER; and a store's error challenge.
#include "tests/fuzz/fuzz.h"
#include "workers/sasl/base64.h"
#include "workers/sasl/oauth.h"

namespace openmmp::fuzz {
namespace {

void check_message(sasl::Mechanism mechanism, std::string_view input) {
  const auto message = sasl::parse_oauth(mechanism, input);
  if (!message) {
    CHECK(is_one_line(message.error().detail));
    return;
  }
  CHECK(!message->user.empty() && is_one_line(message->user) && !message->token.empty());
  for (const std::string& name : {message->user, std::string("a,b=c")}) {
    const auto bytes = sasl::base64_decode(sasl::oauth_response(mechanism, *message, name));
    CHECK(bytes.has_value());
    // The same again with the other name, whatever the message was: a store sees what we saw.
    const auto again = sasl::parse_oauth(mechanism, *bytes);
    CHECK(again && again->user == name && again->others == message->others);
    CHECK(again->token.equals(message->token.reveal()));
  }
}

}  // namespace

void check_input(std::string_view input) {
  check_message(sasl::Mechanism::xoauth2, input);
  check_message(sasl::Mechanism::oauthbearer, input);
  if (sasl::check_error_challenge(input)) CHECK(is_one_line(input));
}

}  // namespace openmmp::fuzz
