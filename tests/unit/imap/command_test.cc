#include "workers/imap/command.h"

#include <gtest/gtest.h>

namespace openmmp::imap {
namespace {

// Lines and literals in turn.
Pieces pieces_of(std::initializer_list<std::string> texts) {
  Pieces pieces;
  for (const std::string& text : texts) pieces.push_back(Secret::copy_of(text));
  return pieces;
}

Result<Command> parse(std::initializer_list<std::string> texts) {
  return parse_command(pieces_of(texts));
}

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

TEST(ImapCommand, KnowsTheVerbs) {
  const std::pair<const char*, Verb> cases[] = {
      {"a CAPABILITY", Verb::capability},
      {"a capability", Verb::capability},
      {"a NOOP", Verb::noop},
      {"a LogOut", Verb::logout},
      {"a STARTTLS", Verb::starttls},
      {"a SELECT INBOX", Verb::later},
      {"a ENABLE UTF8=ACCEPT", Verb::later},
      {"a UID FETCH 1 BODY[]", Verb::later},
      {"a APPEND x {310+}", Verb::later},
      {"a FROBNICATE", Verb::unknown},
      {"a", Verb::unknown},
      {"a ", Verb::unknown},
      {"a  NOOP", Verb::unknown},
      {"GET / HTTP/1.1", Verb::unknown},
  };
  for (const auto& [line, verb] : cases) {
    const Result<Command> command = parse({line});
    ASSERT_TRUE(command) << line;
    EXPECT_EQ(command->verb, verb) << line;
  }
}

TEST(ImapCommand, RefusesArgumentsOfCommandsThatHaveNone) {
  for (const char* line :
       {"a NOOP ", "a NOOP x", "a LOGOUT now", "a CAPABILITY {5}", "a STARTTLS 1"}) {
    EXPECT_FALSE(parse({line})) << line;
  }
}

TEST(ImapCommand, RefusesLinesThatOtherServersMightReadDifferently) {
  EXPECT_FALSE(parse({std::string("a NO\0OP", 7)}));
  EXPECT_FALSE(parse({"a NOOP\rb LOGOUT"}));
  EXPECT_FALSE(parse({"a LOGIN joe \"a\rb\""}));
  EXPECT_FALSE(parse({"a LOGIN joe {1}", "x", "\r"}));
  EXPECT_FALSE(parse({"", ""}));
  EXPECT_FALSE(parse({"* NOOP"}));
  EXPECT_FALSE(parse({"%n%s NOOP"}));
}

struct LoginCase {
  std::vector<std::string> pieces;
  std::string user;
  std::string password;
};

TEST(ImapLogin, TakesEveryFormOfString) {
  const LoginCase cases[] = {
      {{"a LOGIN joe secret"}, "joe", "secret"},
      {{"a login joe@example.com se]cret"}, "joe@example.com", "se]cret"},
      {{"a LOGIN joe pa%ss*wo\\rd"}, "joe", "pa%ss*wo\\rd"},
      {{"a LOGIN \"joe\" \"secret\""}, "joe", "secret"},
      {{"a LOGIN \"joe smith\" \"a \\\"b\\\" \\\\c\""}, "joe smith", "a \"b\" \\c"},
      {{"a LOGIN \"\" \"\""}, "", ""},
      {{"a LOGIN {3}", "joe", " secret"}, "joe", "secret"},
      {{"a LOGIN {3+}", "joe", " {6+}", "secret", ""}, "joe", "secret"},
      {{"a LOGIN joe {6}", "secret", ""}, "joe", "secret"},
      {{"a LOGIN {0}", "", " {0+}", "", ""}, "", ""},
      {{"a LOGIN {10}", "b LOGOUT\r\n", " x"}, "b LOGOUT\r\n", "x"},
      {{"a LOGIN {5}", "j\xc3\xb6rg", " \"gr\xc3\xbcn\""}, "j\xc3\xb6rg", "gr\xc3\xbcn"},
      {{"a LOGIN \"joe\" {8}", "se\"{3}\\x", ""}, "joe", "se\"{3}\\x"},
      {{"a LOGIN \"{3}\" x"}, "{3}", "x"},
      {{"a LOGIN nil NIL"}, "nil", "NIL"},
  };
  for (const LoginCase& c : cases) {
    Pieces pieces;
    for (const std::string& text : c.pieces) pieces.push_back(Secret::copy_of(text));
    const Result<Command> command = parse_command(pieces);
    ASSERT_TRUE(command) << c.pieces.front() << ": " << command.error().detail;
    EXPECT_EQ(command->verb, Verb::login);
    EXPECT_EQ(command->tag, "a");
    EXPECT_EQ(command->user, c.user);
    EXPECT_EQ(command->password.reveal(), c.password);
  }
}

TEST(ImapLogin, RefusesWhatTheGrammarDoesNotHave) {
  const std::vector<std::string> cases[] = {
      {"a LOGIN"},
      {"a LOGIN "},
      {"a LOGIN joe"},
      {"a LOGIN joe "},
      {"a LOGIN joe secret more"},
      {"a LOGIN joe secret "},
      {"a LOGIN  joe secret"},
      {"a LOGIN joe  secret"},
      {"a LOGIN \"joe secret"},
      {"a LOGIN \"joe\"secret"},
      {"a LOGIN \"joe\\"},
      {"a LOGIN \"j\\oe\" secret"},
      {"a LOGIN joe sec\"ret"},
      {"a LOGIN (joe) secret"},
      {"a LOGIN j\xc3\xb6rg secret"},
      {"a LOGIN joe se\tcret"},
      {"a LOGIN joe pass{5}"},
      {"a LOGIN joe {5}x"},
      {"a LOGIN joe {}"},
      {"a LOGIN {3}", "joe", "secret"},       // no blank behind the literal
      {"a LOGIN {3}", "joe", " secret x"},    // text behind the command
      {"a LOGIN joe {6}", "secret", "x"},     // text behind a literal
      {"a LOGIN joe {6}", "secret", " "},     //
      {"a LOGIN joe ~{6}", "secret", ""},     // literal8
      {"a LOGIN joe pass{6}", "secret", ""},  // not at the start of an argument
      {"a LOGIN joe secret {3}", "xyz", ""},  // a literal too many
      {"a NOOP {3}", "xyz", ""},
  };
  for (const auto& texts : cases) {
    Pieces pieces;
    for (const std::string& text : texts) pieces.push_back(Secret::copy_of(text));
    const Result<Command> command = parse_command(pieces);
    ASSERT_FALSE(command) << texts.front();
    EXPECT_EQ(command.error().code, Errc::protocol);
  }
  EXPECT_FALSE(parse({"a LOGIN joe {3}", std::string("a\0b", 3), ""}));
}

TEST(ImapAuthenticate, TakesAnInitialResponse) {
  Result<Command> command = parse({"a AUTHENTICATE PLAIN"});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->mechanism, "PLAIN");
  EXPECT_FALSE(command->initial_response);

  command = parse({"a authenticate plain AGpvZQBzZWNyZXQ="});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->mechanism, "plain");
  EXPECT_EQ(command->initial_response->reveal(), "AGpvZQBzZWNyZXQ=");

  command = parse({"a AUTHENTICATE PLAIN ="});
  ASSERT_TRUE(command);
  ASSERT_TRUE(command->initial_response);
  EXPECT_TRUE(command->initial_response->empty());

  for (const char* line :
       {"a AUTHENTICATE", "a AUTHENTICATE ", "a AUTHENTICATE \"PLAIN\"", "a AUTHENTICATE PLAIN ",
        "a AUTHENTICATE PLAIN a b", "a AUTHENTICATE PLAIN  x", "a AUTHENTICATE {5}"}) {
    EXPECT_FALSE(parse({line})) << line;
  }
}

TEST(ImapId, TakesListsWithinTheBoundsOfRfc2971) {
  EXPECT_TRUE(parse({"a ID NIL"})->id.empty());
  EXPECT_TRUE(parse({"a id nil"})->id.empty());
  EXPECT_TRUE(parse({"a ID ()"})->id.empty());

  const Result<Command> command =
      parse({"a ID (\"name\" \"x y\" \"os\" NIL {3}", "foo", " {3+}", "b)r", ")"});
  ASSERT_TRUE(command) << command.error().detail;
  const IdList expected = {{"name", "x y"}, {"os", std::nullopt}, {"foo", "b)r"}};
  EXPECT_EQ(command->id, expected);

  const std::string pair = " \"" + std::string(30, 'n') + "\" \"" + std::string(1024, 'v') + '"';
  const std::string thirty = repeated(pair, 30).substr(1);
  EXPECT_LT(thirty.size(), longest_line);
  EXPECT_EQ(parse({"a ID (" + thirty + ")"})->id.size(), 30u);
  EXPECT_FALSE(parse({"a ID (" + thirty + pair + ")"}));
}

TEST(ImapId, RefusesEverythingElse) {
  const std::string lines[] = {
      "a ID",
      "a ID ",
      "a ID x",
      "a ID (",
      "a ID )",
      "a ID (NIL)",
      "a ID (\"name\")",
      "a ID (\"name\" \"x\"",
      "a ID (\"name\" \"x\" )",
      "a ID (\"name\"  \"x\")",
      "a ID (\"name\" x)",
      "a ID (name \"x\")",
      "a ID (\"name\" (\"x\"))",
      "a ID NIL x",
      "a ID () ()",
      "a ID (" + std::string(30000, '('),
      "a ID (\"" + std::string(31, 'n') + "\" \"v\")",
      "a ID (\"n\" \"" + std::string(1025, 'v') + "\")",
  };
  for (const std::string& line : lines) EXPECT_FALSE(parse({line})) << line.substr(0, 60);
}

// Whatever a client sends, the text of the error names none of it.
TEST(ImapCommand, ErrorsDoNotRepeatTheInput) {
  for (const char* line : {"a LOGIN joe zebra x", "a LOGIN \"zebra", "a AUTHENTICATE \"zebra\""}) {
    const Result<Command> command = parse({line});
    ASSERT_FALSE(command);
    EXPECT_EQ(command.error().detail.find("zebra"), std::string::npos);
  }
}

TEST(ImapCommand, EveryCutOfAGoodCommandIsHarmless) {
  const std::string line = "a ID (\"name\" \"x \\\" y\" \"os\" NIL)";
  for (size_t length = 0; length < line.size(); ++length) {
    const Result<Command> command = parse({line.substr(0, length)});
    EXPECT_FALSE(command && command->verb == Verb::id) << length;
  }
}

}  // namespace
}  // namespace openmmp::imap
