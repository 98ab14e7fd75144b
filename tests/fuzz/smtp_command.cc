// What an SMTP client says, a line at a time.
#include <string>

#include "tests/fuzz/fuzz.h"
#include "workers/smtp/command.h"

namespace openmmp::fuzz {
namespace {

// What is refused is refused with one line of a reply.
template <class T>
bool is_sound(const Result<T>& result) {
  if (result) return true;
  const std::string& text = result.error().detail;
  CHECK(result.error().code == Errc::protocol && text.starts_with("501 5.") && is_one_line(text));
  return false;
}

// The parameters of MAIL mean the same behind another path.
void check_mail(const smtp::Command& command) {
  const auto mail = smtp::parse_mail(command);
  if (!is_sound(mail) || command.argument.find('"') != command.argument.npos) return;
  const size_t end = command.argument.find('>');
  CHECK(end != command.argument.npos);
  const std::string other = "MAIL FROM:<>" + std::string(command.argument.substr(end + 1));
  const auto again = smtp::parse_mail(smtp::parse_command(other));
  CHECK(again && again->size == mail->size && again->utf8 == mail->utf8);
  CHECK(again->has_auth == mail->has_auth);
}

void check_arguments(const smtp::Command& command) {
  check_mail(command);
  is_sound(smtp::check_rcpt(command));
  if (const auto greeting = smtp::parse_greeting(command); is_sound(greeting)) {
    CHECK(greeting->name == command.argument && greeting->name.find(' ') == std::string::npos);
  }
  if (const auto chunk = smtp::parse_bdat(command); is_sound(chunk)) {
    const std::string line = "BDAT " + std::to_string(chunk->size) + (chunk->last ? " LAST" : "");
    const auto again = smtp::parse_bdat(smtp::parse_command(line));
    CHECK(again && again->size == chunk->size && again->last == chunk->last);
  }
  if (const auto auth = smtp::parse_auth(command); is_sound(auth)) {
    std::string line = "AUTH " + auth->mechanism;
    if (auth->initial) line += " " + (auth->initial->empty() ? "=" : *auth->initial);
    const auto again = smtp::parse_auth(smtp::parse_command(line));
    CHECK(again && again->mechanism == auth->mechanism && again->initial == auth->initial);
  }
}

void check_line(std::string_view line) {
  const smtp::Command command = smtp::parse_command(line);
  CHECK(command.line.data() == line.data() && command.line.size() == line.size());
  CHECK(smtp::line_limit(line) >= smtp::longest_command);
  if (!is_one_line(line)) CHECK(command.verb == smtp::Verb::unknown && command.argument.empty());
  if (command.verb != smtp::Verb::unknown) CHECK(is_one_line(line));
  check_arguments(command);
}

}  // namespace

void check_input(std::string_view input) { for_each_line(input, check_line); }

}  // namespace openmmp::fuzz
