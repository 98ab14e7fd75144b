// What an IMAP client may say before login: RFC 9051 and 3501 sections 6.1 and 6.2, RFC 2971 (ID),
// RFC 4959 (SASL-IR), RFC 7888 (LITERAL+). Pure: a command comes in as its pieces and goes out as
// a Command, or as an Error whose text may be sent to the client.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/runtime/result.h"
#include "ipc/runtime/secret.h"

namespace openmmp::imap {

// A command as it is read: a line, and for each literal its bytes and the line that goes on after
// it. Always an odd number, lines without their ends. Any of it may be a password.
using Pieces = std::vector<Secret>;

enum class Verb {
  capability,
  id,
  noop,
  logout,
  login,
  authenticate,
  starttls,
  later,  // a command of the states after login
  unknown,
};

// Name and value, nothing for NIL; values that clients make up, to be treated so.
using IdList = std::vector<std::pair<std::string, std::optional<std::string>>>;

struct Command {
  Verb verb = Verb::unknown;
  std::string tag;
  std::string user;                        // login
  Secret password;                         // login
  std::string mechanism;                   // authenticate
  std::optional<Secret> initial_response;  // authenticate: base64, empty when the client sent "="
  IdList id;                               // id
};

// The verb of a line, whatever stands behind it.
Verb verb_of(std::string_view line);
// How long a line may be, literals how large, and a command with all of its pieces.
size_t line_limit(Verb verb);
size_t command_limit(Verb verb);
constexpr size_t literal_limit = 4096;
constexpr size_t longest_line = 56 * 1024;  // the largest of line_limit()
// Whether literals make sense in it, so that the client may be asked to go on.
bool takes_literals(Verb verb);

Result<Command> parse_command(const Pieces& pieces);

}  // namespace openmmp::imap
