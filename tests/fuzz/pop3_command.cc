// What a POP3 client says before login, a line at a time.
#include <string>

#include "tests/fuzz/fuzz.h"
#include "workers/pop3/command.h"

namespace openmmp::fuzz {
namespace {

// The command as we would have written it.
std::string render(const pop3::Command& command) {
  if (command.verb == pop3::Verb::user) return "USER " + command.user;
  if (command.verb == pop3::Verb::pass) return "PASS " + std::string(command.password.reveal());
  std::string line = "AUTH " + command.mechanism;
  if (!command.initial_response) return line;
  const std::string_view response = command.initial_response->reveal();
  return line + " " + std::string(response.empty() ? "=" : response);
}

void check_line(std::string_view line) {
  const auto command = pop3::parse_command(line);
  if (!command) {
    CHECK(!command.error().detail.empty() && is_one_line(command.error().detail));
    return;
  }
  CHECK(command->verb == pop3::verb_of(line));
  CHECK(command->mechanism.size() <= 20);
  const bool has_text = command->verb == pop3::Verb::user || command->verb == pop3::Verb::pass ||
                        command->verb == pop3::Verb::auth;
  if (!has_text) return;
  const auto again = pop3::parse_command(render(*command));
  CHECK(again && again->verb == command->verb && again->user == command->user);
  CHECK(again->password.equals(command->password.reveal()));
  CHECK(again->mechanism == command->mechanism);
  CHECK(again->initial_response.has_value() == command->initial_response.has_value());
}

}  // namespace

void check_input(std::string_view input) { for_each_line(input, check_line); }

}  // namespace openmmp::fuzz
