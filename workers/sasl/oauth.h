// The SASL mechanisms XOAUTH2 (Google's) and OAUTHBEARER (RFC 7628). The token is the store's to
// judge: here the message is taken apart to learn the name, and put together again with the name
// that the store knows. What the store says against it goes back to the client. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/runtime/result.h"
#include "ipc/runtime/secret.h"
#include "workers/sasl/mechanism.h"

namespace openmmp::sasl {

inline constexpr size_t longest_token = 32 * 1024;
// A client's whole message; its line in base64 is a third longer.
inline constexpr size_t longest_oauth_message = longest_token + 8 * 1024;

struct OauthMessage {
  std::string user;
  Secret token;
  // Host, port and whatever else the client said, verbatim and in its order.
  std::vector<std::pair<std::string, std::string>> others;
};

// `mechanism` is one of the two. Errc::protocol: malformed; Errc::refused: no name, no token,
// check_name().
Result<OauthMessage> parse_oauth(Mechanism mechanism, std::string_view message);

// The base64 text for a store that knows the client by the name `user`. The caller wipes it.
std::string oauth_response(Mechanism mechanism, const OauthMessage& message, std::string_view user);

// A store that refuses a token says why in a challenge, base64 of JSON, before it says no. This
// tells whether it may be passed on: Errc::protocol if not.
Result<> check_error_challenge(std::string_view base64);
// The base64 text that the challenge is answered with, to hear the no.
std::string_view error_answer(Mechanism mechanism);

}  // namespace openmmp::sasl
