// What a POP3 client may say before login: RFC 1939, RFC 2449 (CAPA), RFC 2595 (STLS), RFC 5034
// (AUTH). Pure: a line goes in, a Command comes out, or an Error whose text may be sent to the
// client.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ipc/runtime/result.h"
#include "ipc/runtime/secret.h"
#include "workers/sasl/oauth.h"

namespace openmmp::pop3 {

enum class Verb {
  capa,
  user,
  pass,
  auth,
  noop,
  quit,
  apop,
  stls,
  xclient,
  xqueryauth,
  later,  // a command of the transaction state
  unknown,
};

struct Command {
  Verb verb = Verb::unknown;
  std::string user;                        // user
  Secret password;                         // pass
  Secret digest;                           // apop: the name and the digest, as they stand
  std::string mechanism;                   // auth; empty: the client asks for the list
  std::optional<Secret> initial_response;  // auth: base64, empty when the client sent "="
  std::string xclient;                     // xclient: the line, for parse_xclient()
  std::string address;                     // xqueryauth: as typed
};

// Of all lines: a SASL response of the longest kind stands in it.
constexpr size_t longest_line = sasl::longest_oauth_message / 3 * 4 + 64;
// Of a line with this verb.
size_t line_limit(Verb verb);

// The verb of a line, whatever stands behind it.
Verb verb_of(std::string_view line);

Result<Command> parse_command(std::string_view line);

}  // namespace openmmp::pop3
