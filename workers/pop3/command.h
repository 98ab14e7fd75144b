// What a POP3 client may say before login: RFC 1939, RFC 2449 (CAPA), RFC 5034 (AUTH). Pure: a line
// goes in, a Command comes out, or an Error whose text may be sent to the client.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ipc/runtime/result.h"
#include "ipc/runtime/secret.h"

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
  later,  // a command of the transaction state
  unknown,
};

struct Command {
  Verb verb = Verb::unknown;
  std::string user;                        // user
  Secret password;                         // pass
  std::string mechanism;                   // auth; empty: the client asks for the list
  std::optional<Secret> initial_response;  // auth: base64, empty when the client sent "="
};

// RFC 2449 allows 255 bytes; names and passwords have grown since.
constexpr size_t line_limit = 512;
// A line with a SASL response in it.
constexpr size_t longest_line = 16384;

// The verb of a line, whatever stands behind it.
Verb verb_of(std::string_view line);

Result<Command> parse_command(std::string_view line);

}  // namespace openmmp::pop3
