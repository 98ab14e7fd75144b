#include "workers/pop3/command.h"

#include <gtest/gtest.h>

namespace openmmp::pop3 {
namespace {

TEST(Pop3Command, KnowsTheVerbs) {
  const std::pair<const char*, Verb> cases[] = {
      {"CAPA", Verb::capa},
      {"capa", Verb::capa},
      {"USER joe", Verb::user},
      {"PASS x", Verb::pass},
      {"AUTH", Verb::auth},
      {"NOOP", Verb::noop},
      {"NOOP ", Verb::noop},
      {"QUIT", Verb::quit},
      {"APOP joe 0123", Verb::apop},
      {"STLS", Verb::stls},
      {"xclient ADDR=::1", Verb::xclient},
      {"XQUERYAUTH 192.0.2.1", Verb::xqueryauth},
      {"STAT", Verb::later},
      {"RETR 1", Verb::later},
      {"", Verb::unknown},
      {" ", Verb::unknown},
      {" USER joe", Verb::unknown},
      {"USERjoe", Verb::unknown},
      {"USER\tjoe", Verb::unknown},
      {"GET / HTTP/1.1", Verb::unknown},
  };
  for (const auto& [line, verb] : cases) {
    const Result<Command> command = parse_command(line);
    ASSERT_TRUE(command) << line;
    EXPECT_EQ(command->verb, verb) << line;
    EXPECT_EQ(verb_of(line), verb) << line;
  }
}

TEST(Pop3Command, RefusesWhatIsNoCommand) {
  for (const char* line :
       {"USER", "USER ", "USER   ", "PASS", "PASS ", "QUIT now", "CAPA x", "NOOP x", "STLS now",
        "APOP", "APOP  ", "XCLIENT A=1\rB=2", "AUTH (PLAIN)", "AUTH PLAIN a b", "AUTH PLAIN\tx",
        "AUTH ABCDEFGHIJKLMNOPQRSTU", "USER joe\rPASS x", "PASS a\rb"}) {
    const Result<Command> command = parse_command(line);
    ASSERT_FALSE(command) << line;
    EXPECT_EQ(command.error().code, Errc::protocol) << line;
  }
  EXPECT_FALSE(parse_command(std::string_view("USER j\0e", 8)));
}

TEST(Pop3Command, TakesNames) {
  const std::pair<const char*, const char*> cases[] = {
      {"USER joe", "joe"},
      {"user  joe ", "joe"},
      {"USER joe smith", "joe smith"},
      {"USER j\xc3\xb6rg@example.com", "j\xc3\xb6rg@example.com"},
      {"USER %n%s", "%n%s"},
  };
  for (const auto& [line, user] : cases) EXPECT_EQ(parse_command(line)->user, user);
}

TEST(Pop3Command, TakesPasswordsToTheLastBlank) {
  const std::pair<const char*, const char*> cases[] = {
      {"PASS secret", "secret"},
      {"PASS two words", "two words"},
      {"PASS  leading", " leading"},
      {"PASS trailing ", "trailing "},
      {"PASS  ", " "},
      {"PASS gr\xfcn", "gr\xfcn"},
      {"PASS a\tb", "a\tb"},
  };
  for (const auto& [line, password] : cases) {
    EXPECT_EQ(parse_command(line)->password.reveal(), password) << line;
  }
}

TEST(Pop3Command, TakesAnInitialResponse) {
  EXPECT_EQ(parse_command("AUTH")->mechanism, "");
  EXPECT_EQ(parse_command("AUTH ")->mechanism, "");
  EXPECT_EQ(parse_command("auth plain")->mechanism, "plain");
  EXPECT_FALSE(parse_command("AUTH PLAIN")->initial_response);
  EXPECT_EQ(parse_command("AUTH PLAIN AGEAYg==")->initial_response->reveal(), "AGEAYg==");
  ASSERT_TRUE(parse_command("AUTH PLAIN =")->initial_response);
  EXPECT_TRUE(parse_command("AUTH PLAIN =")->initial_response->empty());
}

TEST(Pop3Command, KeepsADigestWithItsName) {
  const std::pair<const char*, const char*> cases[] = {
      {"APOP joe 0123", "joe 0123"},
      {"apop  joe smith 0123 ", "joe smith 0123"},
      {"APOP joe", "joe"},
  };
  for (const auto& [line, digest] : cases) {
    EXPECT_EQ(parse_command(line)->digest.reveal(), digest) << line;
  }
}

TEST(Pop3Command, KeepsTheLineOfXclient) {
  EXPECT_EQ(parse_command("xclient ADDR=::1 X=y")->xclient, "xclient ADDR=::1 X=y");
  EXPECT_EQ(parse_command("XCLIENT")->xclient, "XCLIENT");
  EXPECT_EQ(parse_command("USER joe")->xclient, "");
}

TEST(Pop3Command, LimitsLinesByTheirVerb) {
  EXPECT_EQ(line_limit(Verb::auth), longest_line);
  EXPECT_EQ(line_limit(Verb::xclient), longest_line);
  for (const Verb verb : {Verb::user, Verb::pass, Verb::apop, Verb::later, Verb::unknown}) {
    EXPECT_EQ(line_limit(verb), 512u);
  }
  // The longest OAuth message in base64, behind the command.
  EXPECT_GE(longest_line, (sasl::longest_oauth_message + 2) / 3 * 4 + sizeof "AUTH OAUTHBEARER");
}

}  // namespace
}  // namespace openmmp::pop3
