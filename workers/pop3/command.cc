#include "workers/pop3/command.h"

#include <algorithm>
#include <utility>

#include "ipc/runtime/text.h"

namespace openmmp::pop3 {
namespace {

constexpr std::pair<std::string_view, Verb> verbs[] = {
    {"CAPA", Verb::capa},  {"USER", Verb::user},       {"PASS", Verb::pass},
    {"AUTH", Verb::auth},  {"NOOP", Verb::noop},       {"QUIT", Verb::quit},
    {"APOP", Verb::apop},  {"STLS", Verb::stls},       {"STAT", Verb::later},
    {"LIST", Verb::later}, {"RETR", Verb::later},      {"DELE", Verb::later},
    {"RSET", Verb::later}, {"TOP", Verb::later},       {"UIDL", Verb::later},
    {"LAST", Verb::later}, {"XCLIENT", Verb::xclient}, {"XQUERYAUTH", Verb::xqueryauth},
};

// RFC 2449 allows 255 bytes; names and passwords have grown since.
constexpr size_t usual_limit = 512;

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

// Blanks around an argument are typing, except in a password.
std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// sasl-mech = 1*20(upper-case letters, digits, "-", "_"), RFC 4422
bool is_mechanism(std::string_view text) {
  return text.size() <= 20 && std::all_of(text.begin(), text.end(), [](char c) {
           const char l = lower(c);
           return (l >= 'a' && l <= 'z') || (l >= '0' && l <= '9') || l == '-' || l == '_';
         });
}

// auth = "AUTH" [SP mechanism [SP initial-response]]
Result<Command> parse_auth(std::string_view arguments, Command command) {
  arguments = trimmed(arguments);
  const std::string_view mechanism = first_word(arguments);
  if (!is_mechanism(mechanism)) return fail(Errc::protocol, "The mechanism is malformed.");
  command.mechanism = mechanism;
  if (arguments.size() == mechanism.size()) return command;
  const std::string_view response = trimmed(arguments.substr(mechanism.size()));
  if (response.find(' ') != response.npos) {
    return fail(Errc::protocol, "AUTH takes a mechanism and one response.");
  }
  command.initial_response = Secret::copy_of(response == "=" ? "" : response);
  return command;
}

Result<Command> parse_arguments(std::string_view arguments, Command command) {
  switch (command.verb) {
    case Verb::user:
      command.user = trimmed(arguments);
      if (command.user.empty()) return fail(Errc::protocol, "USER takes a name.");
      return command;
    case Verb::pass:
      // Everything behind the one blank, RFC 1939: passwords may contain blanks.
      if (arguments.empty()) return fail(Errc::protocol, "PASS takes a password.");
      command.password = Secret::copy_of(arguments);
      return command;
    case Verb::apop:
      command.digest = Secret::copy_of(trimmed(arguments));
      if (command.digest.empty()) return fail(Errc::protocol, "APOP takes a name and a digest.");
      return command;
    case Verb::xqueryauth:
      command.address = trimmed(arguments);
      return command;
    case Verb::auth:
      return parse_auth(arguments, std::move(command));
    case Verb::capa:
    case Verb::noop:
    case Verb::quit:
    case Verb::stls:
      if (!trimmed(arguments).empty())
        return fail(Errc::protocol, "There is an argument too many.");
      return command;
    default:
      return command;
  }
}

}  // namespace

size_t line_limit(Verb verb) {
  // A proxy in front may have more to tell than we know of.
  return verb == Verb::auth || verb == Verb::xclient ? longest_line : usual_limit;
}

Verb verb_of(std::string_view line) {
  const std::string_view word = first_word(line);
  for (const auto& [name, verb] : verbs) {
    if (equals_ignoring_case(word, name)) return verb;
  }
  return Verb::unknown;
}

Result<Command> parse_command(std::string_view line) {
  // NUL and CR have no place in a line; a CR that some store takes for a line end is how one
  // command becomes two.
  if (line.find_first_of(std::string_view("\0\r", 2)) != line.npos) {
    return fail(Errc::protocol, "NUL or CR in a line.");
  }
  Command command;
  command.verb = verb_of(line);
  if (command.verb == Verb::xclient) command.xclient = line;
  line.remove_prefix(first_word(line).size());
  if (!line.empty()) line.remove_prefix(1);
  return parse_arguments(line, std::move(command));
}

}  // namespace openmmp::pop3
