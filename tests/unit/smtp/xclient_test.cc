#include "workers/smtp/xclient.h"

#include <gtest/gtest.h>

namespace openmmp::smtp {
namespace {

using Lines = std::vector<std::string>;
const std::vector<std::string> everything = {"NAME", "ADDR",  "PORT",     "PROTO",
                                             "HELO", "LOGIN", "DESTADDR", "DESTPORT"};

ClientFacts facts_of_a_client() {
  ClientFacts facts;
  facts.client = *SocketAddress::parse("192.0.2.7", 40001);
  facts.local = *SocketAddress::parse("198.51.100.25", 587);
  facts.name = "spike.example.org";
  facts.helo = "ws1";
  return facts;
}

TEST(Xtext, IsReversible) {
  const std::pair<std::string, const char*> cases[] = {
      {"", ""},
      {"joe@example.com", "joe@example.com"},
      {"a b+c=d", "a+20b+2Bc+3Dd"},
      {"j\xc3\xb6rg", "j+C3+B6rg"},
      {std::string("\0\r\n\x7f", 4), "+00+0D+0A+7F"},
  };
  for (const auto& [text, encoded] : cases) {
    EXPECT_EQ(xtext(text), encoded);
    EXPECT_EQ(parse_xtext(encoded).value_or("?"), text);
  }
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(parse_xtext(xtext(all)).value_or("?"), all);
  EXPECT_EQ(parse_xtext("+2b").value_or("?"), "+");
  for (const char* text : {"+", "+2", "+2G", "+G2", "a b", "a=b", "a\tb", "\xc3\xb6", "+-1"}) {
    EXPECT_FALSE(parse_xtext(text)) << text;
  }
}

TEST(Xclient, SaysWhatIsOffered) {
  ClientFacts facts = facts_of_a_client();
  EXPECT_EQ(xclient_commands(facts, {}), Lines{});
  EXPECT_EQ(xclient_commands(facts, {"SESSION"}), Lines{});
  EXPECT_EQ(xclient_commands(facts, {"ADDR"}), Lines{"XCLIENT ADDR=192.0.2.7"});
  facts.extended = false;
  EXPECT_EQ(xclient_commands(facts, {"NAME", "ADDR", "PORT", "PROTO", "HELO"}),
            Lines{"XCLIENT ADDR=192.0.2.7 PORT=40001 NAME=spike.example.org PROTO=SMTP HELO=ws1"});
  facts.extended = true;
  facts.login = "joe user@ex\xc3\xa4mple.com";
  facts.client = *SocketAddress::parse("2001:db8::1", 1);
  EXPECT_EQ(xclient_commands(facts, everything),
            Lines{"XCLIENT ADDR=IPV6:2001:db8::1 PORT=1 NAME=spike.example.org "
                  "DESTADDR=198.51.100.25 DESTPORT=587 LOGIN=joe+20user@ex+C3+A4mple.com "
                  "PROTO=ESMTP HELO=ws1"});
}

TEST(Xclient, SaysThatANameIsNotKnown) {
  ClientFacts facts = facts_of_a_client();
  facts.name = std::nullopt;
  EXPECT_EQ(xclient_commands(facts, {"NAME"}), Lines{"XCLIENT NAME=[UNAVAILABLE]"});
  facts.name_unknown_for_now = true;
  EXPECT_EQ(xclient_commands(facts, {"NAME"}), Lines{"XCLIENT NAME=[TEMPUNAVAIL]"});
  facts.name_unknown_for_now = false;
  // What DNS may answer and no host is called.
  for (const std::string& name :
       {std::string("a\r\nMAIL FROM:<x@y>"), std::string("a b"), std::string("a=b"),
        std::string("a+20b"), std::string("x ADDR=127.0.0.1"), std::string(256, 'a'),
        std::string("\0", 1), std::string(), std::string("."), std::string("[UNAVAILABLE]"),
        std::string("\xc3\xb6.example"), std::string("-x.example"), std::string("x-.example"),
        std::string("x.example-"), std::string("x.-"), std::string("x..example"),
        std::string("x.example."), std::string("192.0.2.1"), std::string("12")}) {
    facts.name = name;
    EXPECT_EQ(xclient_commands(facts, {"NAME"}), Lines{"XCLIENT NAME=[UNAVAILABLE]"}) << name;
  }
  for (const char* name : {"x-y.example", "x_y.example", "1.2.3.4.x", "1a", "x"}) {
    facts.name = name;
    EXPECT_EQ(told_name(facts), name);
  }
  facts.name = std::string(255, 'a');
  EXPECT_EQ(xclient_commands(facts, {"NAME"}), Lines{"XCLIENT NAME=" + std::string(255, 'a')});
}

TEST(Xclient, SplitsWhatIsTooLong) {
  ClientFacts facts = facts_of_a_client();
  facts.name = std::string(255, 'n');
  facts.helo = std::string(255, 'h');
  const std::string where = "XCLIENT ADDR=192.0.2.7 PORT=40001 NAME=" + std::string(255, 'n') +
                            " DESTADDR=198.51.100.25 DESTPORT=587";
  EXPECT_EQ(xclient_commands(facts, everything),
            (Lines{where, "XCLIENT PROTO=ESMTP HELO=" + std::string(255, 'h')}));
  // Who has logged in counts for more than a name that EHLO says again.
  facts.login = std::string(255, 'l');
  EXPECT_EQ(xclient_commands(facts, everything),
            (Lines{where, "XCLIENT LOGIN=" + std::string(255, 'l') + " PROTO=ESMTP"}));
  facts.login = std::string(86, '=');  // 258 as xtext
  facts.helo = std::string(86, '+');
  EXPECT_EQ(xclient_commands(facts, everything), (Lines{where + " PROTO=ESMTP"}));
}

TEST(Xclient, CannotBeInjectedInto) {
  ClientFacts facts = facts_of_a_client();
  const std::string evil = "x\r\nMAIL FROM:<a@b>\n LOGIN=root +20";
  facts.name = facts.helo = facts.login = evil;
  for (const std::string& line : xclient_commands(facts, everything)) {
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c <= '~');
    EXPECT_EQ(line.find("LOGIN=root"), line.npos);
    const auto read = parse_xclient(line.substr(8));
    EXPECT_TRUE(!read || !read->login) << line;  // its control characters are refused
  }
}

TEST(Xclient, IsTakenFromAPeer) {
  const auto facts = parse_xclient(
      "addr=IPV6:2001:db8::1 PORT=40001 NAME=spike.example.org HELO=[192.0.2.9] PROTO=ESMTP "
      "DESTPORT=587 DESTADDR=198.51.100.25 LOGIN=joe+20user REVERSE_NAME=x");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->client->to_string(), "[2001:db8::1]:40001");
  EXPECT_EQ(facts->local->to_string(), "198.51.100.25:587");
  EXPECT_EQ(facts->name, "spike.example.org");
  EXPECT_EQ(facts->helo, "[192.0.2.9]");
  EXPECT_EQ(facts->login, "joe user");
  const auto unknown = parse_xclient(
      "NAME=[TEMPUNAVAIL] ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE] HELO=[unavailable] "
      "LOGIN=[UNAVAILABLE] DESTADDR=[UNAVAILABLE]");
  ASSERT_TRUE(unknown);
  EXPECT_FALSE(unknown->client || unknown->local || unknown->name || unknown->helo ||
               unknown->login);
  EXPECT_FALSE(parse_xclient("PORT=1")->client);
  EXPECT_EQ(parse_xclient("ADDR=::ffff:192.0.2.1")->client->to_string(), "192.0.2.1");
}

TEST(Xclient, IsRefusedWhenMalformed) {
  for (const std::string& arguments :
       {std::string(""), std::string("ADDR"), std::string("=x"), std::string("ADDR="),
        std::string("ADDR=host"), std::string("ADDR=1.2.3.4:5"), std::string("PORT="),
        std::string("PORT=65536"), std::string("PORT=-1"), std::string("DESTADDR=x"),
        std::string("DESTPORT=1x"), std::string("HELO="), std::string("HELO=a+0Ab"),
        std::string("LOGIN=a+0D+0ARCPT"), std::string("LOGIN=+00"), std::string("NAME=a+20b"),
        std::string("NAME=a+"), std::string("HELO=a=b"), "HELO=" + std::string(256, 'x')}) {
    const auto facts = parse_xclient(arguments);
    ASSERT_FALSE(facts) << arguments;
    EXPECT_EQ(facts.error().code, Errc::protocol);
    EXPECT_EQ(facts.error().detail.substr(0, 10), "501 5.5.4 ") << arguments;
  }
}

}  // namespace
}  // namespace openmmp::smtp
