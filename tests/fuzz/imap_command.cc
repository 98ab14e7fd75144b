// A client's bytes before login: cut into commands as the dialect does, and each one parsed.
#include <string>

#include "tests/fuzz/fuzz.h"
#include "workers/imap/command.h"
#include "workers/imap/syntax.h"
#include "workers/proxy/line_buffer.h"

namespace openmmp::fuzz {
namespace {

// Lines and literals up to the end of a command; nothing at the end of the bytes.
imap::Pieces read_pieces(proxy::LineBuffer& client) {
  imap::Pieces pieces;
  for (;;) {
    auto line = client.next_line(imap::longest_line);
    if (!line || !*line) return {};
    const auto literal = imap::trailing_literal(**line);
    pieces.emplace_back(std::move(**line));
    if (!literal) return pieces;
    if (literal->size > imap::literal_limit) return {};
    auto bytes = client.next_bytes(literal->size);
    if (!bytes) return {};
    pieces.emplace_back(std::move(*bytes));
  }
}

// Writes a string as a store would be sent it: quoted, or as a literal.
void append_string(imap::Pieces& pieces, std::string_view text) {
  std::string line(pieces.back().reveal());
  pieces.pop_back();
  if (imap::is_quotable(text)) {
    pieces.emplace_back(line + imap::quoted(text));
    return;
  }
  pieces.emplace_back(line + "{" + std::to_string(text.size()) + "}");
  pieces.push_back(Secret::copy_of(text));
  pieces.emplace_back();
}

void check_login(const imap::Command& command) {
  imap::Pieces pieces;
  pieces.emplace_back(command.tag + " LOGIN ");
  append_string(pieces, command.user);
  pieces.back() = Secret(std::string(pieces.back().reveal()) + " ");
  append_string(pieces, command.password.reveal());
  const auto again = imap::parse_command(pieces);
  CHECK(again && again->verb == imap::Verb::login && again->tag == command.tag);
  CHECK(again->user == command.user && again->password.equals(command.password.reveal()));
}

void check_authenticate(const imap::Command& command) {
  CHECK(imap::is_atom(command.mechanism));
  std::string line = command.tag + " AUTHENTICATE " + command.mechanism;
  if (command.initial_response) {
    const std::string_view response = command.initial_response->reveal();
    line += " " + std::string(response.empty() ? "=" : response);
  }
  imap::Pieces pieces;
  pieces.emplace_back(std::move(line));
  const auto again = imap::parse_command(pieces);
  CHECK(again && again->mechanism == command.mechanism);
  CHECK(again->initial_response.has_value() == command.initial_response.has_value());
}

void check_id(const imap::IdList& id) {
  CHECK(id.size() <= 30);
  for (const auto& [name, value] : id) {
    CHECK(name.size() <= 30 && value.value_or("").size() <= 1024);
  }
}

void check_command(const imap::Pieces& pieces) {
  const auto command = imap::parse_command(pieces);
  if (!command) {
    CHECK(!command.error().detail.empty() && is_one_line(command.error().detail));
    return;
  }
  CHECK(command->tag != "*" && imap::reply_tag(command->tag) == command->tag);
  if (command->verb == imap::Verb::login) check_login(*command);
  if (command->verb == imap::Verb::authenticate) check_authenticate(*command);
  check_id(command->id);
}

}  // namespace

void check_input(std::string_view input) {
  proxy::LineBuffer client;
  client.append(input);
  for (auto pieces = read_pieces(client); !pieces.empty(); pieces = read_pieces(client)) {
    check_command(pieces);
  }
}

}  // namespace openmmp::fuzz
