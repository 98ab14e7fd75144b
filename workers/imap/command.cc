#include "workers/imap/command.h"

#include <algorithm>

#include "ipc/runtime/text.h"
#include "workers/imap/syntax.h"

namespace openmmp::imap {
namespace {

// RFC 2971, section 3.3.
constexpr size_t max_id_pairs = 30;
constexpr size_t max_id_name = 30;
constexpr size_t max_id_value = 1024;

constexpr std::pair<std::string_view, Verb> verbs[] = {
    {"CAPABILITY", Verb::capability}, {"ID", Verb::id},       {"NOOP", Verb::noop},
    {"LOGOUT", Verb::logout},         {"LOGIN", Verb::login}, {"AUTHENTICATE", Verb::authenticate},
    {"STARTTLS", Verb::starttls},
};

// Named only so that the answer can say "log in first" instead of "unknown".
constexpr std::string_view later_verbs[] = {
    "APPEND",    "CHECK",     "CLOSE",  "COPY",     "CREATE",       "DELETE", "ENABLE", "EXAMINE",
    "EXPUNGE",   "FETCH",     "GETACL", "GETQUOTA", "GETQUOTAROOT", "IDLE",   "LIST",   "LSUB",
    "MOVE",      "NAMESPACE", "RENAME", "SEARCH",   "SELECT",       "SORT",   "STATUS", "STORE",
    "SUBSCRIBE", "THREAD",    "UID",    "UNSELECT", "UNSUBSCRIBE"};

// The second word of a line.
std::string_view verb_word(std::string_view line) {
  const size_t space = line.find(' ');
  if (space == line.npos) return {};
  line.remove_prefix(space + 1);
  return line.substr(0, line.find(' '));
}

// Walks over the pieces of one command. Each take_...() moves on only when it succeeds.
class Cursor {
 public:
  explicit Cursor(const Pieces& pieces) : pieces_(pieces), rest_(pieces.front().reveal()) {}

  bool at_end() const { return rest_.empty() && index_ + 1 == pieces_.size(); }
  bool next_is(char c) const { return rest_.starts_with(c); }
  bool take(char c) {
    if (!next_is(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Up to the next blank or end of line, unchecked.
  std::string_view take_word() {
    const std::string_view word = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(word.size());
    return word;
  }
  bool take_nil() {
    if (!equals_ignoring_case(rest_.substr(0, 3), "NIL")) return false;
    rest_.remove_prefix(3);
    return true;
  }

  // string = quoted / literal
  Result<Secret> take_string() {
    if (next_is('"')) return take_quoted();
    if (next_is('{')) return take_literal();
    return fail(Errc::protocol, "A string was expected.");
  }
  // astring = atom / string. Wildcards and backslashes are let through in the atom, as the common
  // servers do: passwords have them, and clients forget to quote.
  Result<Secret> take_astring() {
    if (next_is('"') || next_is('{')) return take_string();
    const auto is_part = [](char c) {
      return c > ' ' && c < 0x7f && c != '(' && c != ')' && c != '{' && c != '"';
    };
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_part);
    const std::string_view atom = rest_.substr(0, static_cast<size_t>(end - rest_.begin()));
    if (atom.empty()) return fail(Errc::protocol, "An argument is missing or malformed.");
    rest_.remove_prefix(atom.size());
    return Secret::copy_of(atom);
  }

 private:
  Result<Secret> take_quoted() {
    std::string text;
    text.reserve(rest_.size());  // never grows: it may be a password
    for (size_t i = 1; i < rest_.size(); ++i) {
      char c = rest_[i];
      if (c == '"') {
        rest_.remove_prefix(i + 1);
        return Secret(std::move(text));
      }
      if (c == '\\' && i + 1 < rest_.size()) {
        c = rest_[++i];
        if (c != '"' && c != '\\') break;
      }
      text += c;
    }
    wipe(text);
    return fail(Errc::protocol, "A quoted string is malformed.");
  }
  Result<Secret> take_literal() {
    const auto literal = trailing_literal(rest_);
    const bool is_last_of_line = rest_.find('}') + 1 == rest_.size();
    if (!literal || !is_last_of_line || index_ + 2 >= pieces_.size()) {
      return fail(Errc::protocol, "A literal is malformed.");
    }
    const std::string_view bytes = pieces_[index_ + 1].reveal();
    if (bytes.find('\0') != bytes.npos) return fail(Errc::protocol, "A literal contains NUL.");
    index_ += 2;
    rest_ = pieces_[index_].reveal();
    return Secret::copy_of(bytes);
  }

  const Pieces& pieces_;
  size_t index_ = 0;       // the line that rest_ is of
  std::string_view rest_;  // of that line
};

Failure trailing_junk() { return fail(Errc::protocol, "There is something behind the command."); }

// login = "LOGIN" SP userid SP password
Result<> parse_login(Cursor& cursor, Command& command) {
  const Failure usage = fail(Errc::protocol, "LOGIN takes a user name and a password.");
  if (!cursor.take(' ')) return usage;
  Result<Secret> user = cursor.take_astring();
  if (!user) return fail(std::move(user.error()));
  if (!cursor.take(' ')) return usage;
  Result<Secret> password = cursor.take_astring();
  if (!password) return fail(std::move(password.error()));
  command.user = user->reveal();
  command.password = std::move(*password);
  return {};
}

// authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]
Result<> parse_authenticate(Cursor& cursor, Command& command) {
  if (!cursor.take(' ')) return fail(Errc::protocol, "AUTHENTICATE takes a mechanism.");
  command.mechanism = cursor.take_word();
  if (!is_atom(command.mechanism)) return fail(Errc::protocol, "The mechanism is malformed.");
  if (!cursor.take(' ')) return {};
  const std::string_view response = cursor.take_word();
  if (response.empty()) return fail(Errc::protocol, "The initial response is empty.");
  command.initial_response = Secret::copy_of(response == "=" ? "" : response);
  return {};
}

Result<> parse_id_pair(Cursor& cursor, IdList& list) {
  Result<Secret> name = cursor.take_string();
  if (!name) return fail(std::move(name.error()));
  if (!cursor.take(' ')) return fail(Errc::protocol, "ID takes pairs of name and value.");
  std::optional<std::string> value;
  if (!cursor.take_nil()) {
    Result<Secret> text = cursor.take_string();
    if (!text) return fail(std::move(text.error()));
    value = text->reveal();
  }
  if (name->reveal().size() > max_id_name || (value && value->size() > max_id_value)) {
    return fail(Errc::protocol, "An ID name or value is too long.");
  }
  if (list.size() == max_id_pairs) return fail(Errc::protocol, "ID takes at most 30 pairs.");
  list.emplace_back(name->reveal(), std::move(value));
  return {};
}

// id = "ID" SP ("(" [string SP nstring *(SP string SP nstring)] ")" / nil)
Result<> parse_id(Cursor& cursor, Command& command) {
  const Failure usage = fail(Errc::protocol, "ID takes NIL or a list of names and values.");
  if (!cursor.take(' ')) return usage;
  if (cursor.take_nil()) return {};
  if (!cursor.take('(')) return usage;
  if (cursor.take(')')) return {};
  do {
    if (Result<> pair = parse_id_pair(cursor, command.id); !pair) return pair;
  } while (cursor.take(' '));
  if (!cursor.take(')')) return usage;
  return {};
}

Result<> parse_arguments(Cursor& cursor, Command& command) {
  switch (command.verb) {
    case Verb::login:
      return parse_login(cursor, command);
    case Verb::authenticate:
      return parse_authenticate(cursor, command);
    case Verb::id:
      return parse_id(cursor, command);
    default:
      return {};
  }
}

// NUL and CR have no place in a line, in or out of quotes; a CR that some other server takes for a
// line end is how one command becomes two.
bool lines_are_clean(const Pieces& pieces) {
  for (size_t i = 0; i < pieces.size(); i += 2) {
    const std::string_view line = pieces[i].reveal();
    if (line.find_first_of(std::string_view("\0\r", 2)) != line.npos) return false;
  }
  return true;
}

}  // namespace

Verb verb_of(std::string_view line) {
  const std::string_view word = verb_word(line);
  for (const auto& [name, verb] : verbs) {
    if (equals_ignoring_case(word, name)) return verb;
  }
  const auto is_word = [&](std::string_view name) { return equals_ignoring_case(word, name); };
  return std::any_of(std::begin(later_verbs), std::end(later_verbs), is_word) ? Verb::later
                                                                              : Verb::unknown;
}

size_t line_limit(Verb verb) {
  if (verb == Verb::id) return 33 * 1024;
  return verb == Verb::authenticate ? longest_line : 8192;
}

size_t command_limit(Verb verb) {
  return verb == Verb::id || verb == Verb::authenticate ? line_limit(verb) : 16384;
}

bool takes_literals(Verb verb) { return verb == Verb::login || verb == Verb::id; }

Result<Command> parse_command(const Pieces& pieces) {
  const std::string_view line = pieces.front().reveal();
  if (!lines_are_clean(pieces)) return fail(Errc::protocol, "NUL or CR in a line.");
  Command command;
  command.tag = reply_tag(line);
  if (command.tag == "*") return fail(Errc::protocol, "A command starts with a tag.");
  command.verb = verb_of(line);
  if (command.verb == Verb::later || command.verb == Verb::unknown) return command;

  Cursor cursor(pieces);
  cursor.take_word();
  cursor.take(' ');
  cursor.take_word();
  if (Result<> parsed = parse_arguments(cursor, command); !parsed) {
    return fail(std::move(parsed.error()));
  }
  if (!cursor.at_end()) return trailing_junk();
  return command;
}

}  // namespace openmmp::imap
