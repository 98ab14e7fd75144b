#include "workers/smtp/command.h"

#include <algorithm>
#include <charconv>

#include "ipc/runtime/text.h"

namespace openmmp::smtp {
namespace {

constexpr size_t longest_name = 255;
constexpr size_t longest_path = 512;
constexpr size_t longest_mechanism = 20;

constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter_or_digit(char c) {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

// Up to eight bytes as a number, so that a verb is one comparison. 0: no verb is that long.
constexpr uint64_t packed(std::string_view word) {
  if (word.size() > sizeof(uint64_t)) return 0;
  uint64_t number = 0;
  for (const char c : word) number = number << 8 | static_cast<unsigned char>(upper(c));
  return number;
}

// A table in the form that a compiler searches best.
Verb verb_of(std::string_view word) {
  switch (packed(word)) {
    case packed("EHLO"):
      return Verb::ehlo;
    case packed("HELO"):
      return Verb::helo;
    case packed("STARTTLS"):
      return Verb::starttls;
    case packed("AUTH"):
      return Verb::auth;
    case packed("MAIL"):
      return Verb::mail;
    case packed("RCPT"):
      return Verb::rcpt;
    case packed("DATA"):
      return Verb::data;
    case packed("BDAT"):
      return Verb::bdat;
    case packed("RSET"):
      return Verb::rset;
    case packed("NOOP"):
      return Verb::noop;
    case packed("VRFY"):
      return Verb::vrfy;
    case packed("EXPN"):
      return Verb::expn;
    case packed("HELP"):
      return Verb::help;
    case packed("ETRN"):
      return Verb::etrn;
    case packed("XCLIENT"):
      return Verb::xclient;
    case packed("QUIT"):
      return Verb::quit;
    default:
      return Verb::unknown;
  }
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Cuts the first word and the blanks behind it off `text`.
std::string_view take_word(std::string_view& text) {
  const size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(text.find_first_not_of(' ', end), text.size()));
  return word;
}

// Digits only, and what a signed number of a relay's can hold.
std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || stop != end || number > INT64_MAX) {
    return std::nullopt;
  }
  return number;
}

// The length of "<...>" at the beginning, 0: there is none. What is in it is the relay's to judge;
// here two readers only must not find its end in different places. So a ">" within quotes is none,
// and there is no blank, "<" or backslash outside of them.
size_t path_size(std::string_view text) {
  if (!text.starts_with('<')) return 0;
  bool quoted = false;
  for (size_t i = 1; i < std::min(text.size(), longest_path); ++i) {
    const char c = text[i];
    if (c == '"') quoted = !quoted;
    if (quoted && c == '\\') ++i;
    if (quoted) continue;
    if (c == '>') return i + 1;
    if (c == ' ' || c == '<' || c == '\\') return 0;
  }
  return 0;
}

// Cuts "FROM:" or "TO:" and the path off `text`; what is left are the parameters.
std::string_view take_path(std::string_view& text, std::string_view label) {
  if (!starts_with_ignoring_case(text, label)) return {};
  std::string_view rest = text.substr(label.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  const std::string_view path = rest.substr(0, path_size(rest));
  rest.remove_prefix(path.size());
  if (!rest.empty() && rest[0] != ' ') return {};
  text = trimmed(rest);
  return path;
}

// esmtp-param = keyword ["=" value], RFC 5321 section 4.1.2; the value is whatever is printed.
bool is_parameter(std::string_view word) {
  const std::string_view keyword = word.substr(0, word.find('='));
  return !keyword.empty() && keyword[0] != '-' &&
         std::all_of(keyword.begin(), keyword.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

Failure bad_parameter() { return fail(Errc::protocol, "501 5.5.4 A parameter is malformed."); }

// One that this hop looks at; what is there twice, a relay may read as the other one.
Result<> note_parameter(std::string_view word, MailParameters& parameters) {
  if (!is_parameter(word)) return bad_parameter();
  if (starts_with_ignoring_case(word, "SIZE=")) {
    if (parameters.size) return bad_parameter();
    parameters.size = parse_number(word.substr(5));
    if (!parameters.size) return bad_parameter();
  }
  if (equals_ignoring_case(word, "SMTPUTF8")) parameters.utf8 = true;
  if (starts_with_ignoring_case(word, "AUTH=")) parameters.has_auth = true;
  return {};
}

// sasl-mech of RFC 4422
bool is_mechanism(std::string_view text) {
  return !text.empty() && text.size() <= longest_mechanism &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; });
}

}  // namespace

Command parse_command(std::string_view line) {
  Command command;
  command.line = line;
  unsigned controls = 0;
  for (const char c : line) controls |= static_cast<unsigned>(is_control(c));
  if (controls != 0) return command;
  const size_t end = std::min(line.find(' '), line.size());
  command.verb = verb_of(line.substr(0, end));
  command.argument = trimmed(line.substr(end));
  return command;
}

size_t line_limit(std::string_view beginning) {
  return starts_with_ignoring_case(beginning, "AUTH ") ? longest_auth_line : longest_command;
}

Result<Greeting> parse_greeting(const Command& command) {
  const std::string_view name = command.argument;
  if (name.empty()) return fail(Errc::protocol, "501 5.5.4 Say your name.");
  if (name.size() > longest_name || name.find(' ') != name.npos) {
    return fail(Errc::protocol, "501 5.5.4 A name is one word of at most 255 characters.");
  }
  return Greeting{command.verb == Verb::ehlo, std::string(name)};
}

Result<MailParameters> parse_mail(const Command& command) {
  std::string_view rest = command.argument;
  if (take_path(rest, "FROM:").empty()) {
    return fail(Errc::protocol, "501 5.1.7 Say MAIL FROM:<address>.");
  }
  MailParameters parameters;
  while (!rest.empty()) {
    const Result<> noted = note_parameter(take_word(rest), parameters);
    if (!noted) return fail(noted.error());
  }
  return parameters;
}

Result<> check_rcpt(const Command& command) {
  std::string_view rest = command.argument;
  if (take_path(rest, "TO:").size() <= std::string_view("<>").size()) {
    return fail(Errc::protocol, "501 5.1.3 Say RCPT TO:<address>.");
  }
  while (!rest.empty()) {
    if (!is_parameter(take_word(rest))) return bad_parameter();
  }
  return {};
}

Result<Chunk> parse_bdat(const Command& command) {
  std::string_view rest = command.argument;
  const std::optional<uint64_t> size = parse_number(take_word(rest));
  const bool last = equals_ignoring_case(rest, "LAST");
  if (!size || !(last || rest.empty())) {
    return fail(Errc::protocol, "501 5.5.4 Say BDAT size, or BDAT size LAST.");
  }
  return Chunk{*size, last};
}

Result<AuthCommand> parse_auth(const Command& command) {
  std::string_view rest = command.argument;
  const std::string_view mechanism = take_word(rest);
  if (!is_mechanism(mechanism)) return fail(Errc::protocol, "501 5.5.4 Say AUTH mechanism.");
  if (rest.find(' ') != rest.npos) {
    return fail(Errc::protocol, "501 5.5.4 AUTH takes a mechanism and one response.");
  }
  AuthCommand auth{std::string(mechanism), std::nullopt};
  std::transform(mechanism.begin(), mechanism.end(), auth.mechanism.begin(), upper);
  if (!rest.empty()) auth.initial = rest == "=" ? "" : std::string(rest);
  return auth;
}

}  // namespace openmmp::smtp
