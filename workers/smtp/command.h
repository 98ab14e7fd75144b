// Lines of an SMTP client (RFC 5321 section 4.1): which command, and what is wrong with it. Pure.
//
// A Command refers to the line it was parsed from. What is the relay's to judge (addresses, most
// parameters) is only looked at as far as this hop needs it: a line that goes on has no control
// character in it and no verb that we do not follow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/runtime/result.h"

namespace openmmp::smtp {

enum class Verb {
  ehlo,
  helo,
  starttls,
  auth,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  vrfy,
  expn,
  help,
  etrn,
  xclient,
  quit,
  unknown
};

// Of a line with its CRLF: RFC 5321 4.5.3.1.4 has 512, extensions of MAIL and RCPT add to it
// (RFC 6531, 3461), and of AUTH and the answers within it (RFC 4954 section 4).
constexpr size_t longest_command = 2048;
constexpr size_t longest_auth_line = 12288;

struct Command {
  Verb verb = Verb::unknown;
  std::string_view line;      // all of it, without line end
  std::string_view argument;  // behind the verb and its blanks
};

// `line` has no line end; blanks behind it are tolerated. A line with a control character, tab and
// NUL and bare CR among them, is Verb::unknown: it never goes on, and not_a_command is its answer.
// Bytes above ASCII pass, with or without SMTPUTF8: addresses are the relay's.
Command parse_command(std::string_view line);
inline constexpr std::string_view not_a_command = "500 5.5.2 Command not recognized";

// How long a line that begins like this may be.
size_t line_limit(std::string_view beginning);

struct Greeting {
  bool extended = false;  // EHLO
  std::string name;       // as the client calls itself
};

// What this hop must know of MAIL.
struct MailParameters {
  std::optional<uint64_t> size;  // RFC 1870
  bool utf8 = false;             // RFC 6531
  bool has_auth = false;         // RFC 4954 section 5
};

struct Chunk {
  uint64_t size = 0;
  bool last = false;
};

struct AuthCommand {
  std::string mechanism;               // in upper case
  std::optional<std::string> initial;  // base64 as it stands; empty when the client sent "="
};

// Errc::protocol, and the text is what the client may be told: "501 5.5.4 ...".
Result<Greeting> parse_greeting(const Command& command);
// MAIL FROM:<...>, a blank before the path is tolerated. A path has at most 512 octets and one end
// only; routes, literals and what stands in quotes are the relay's. SIZE twice is refused.
Result<MailParameters> parse_mail(const Command& command);
Result<> check_rcpt(const Command& command);
// A failure leaves the number of octets that follow unknown: the session must end.
Result<Chunk> parse_bdat(const Command& command);
Result<AuthCommand> parse_auth(const Command& command);

}  // namespace openmmp::smtp
