#include "workers/imap/client_id.h"

#include <gtest/gtest.h>

#include "workers/imap/syntax.h"

namespace openmmp::imap {
namespace {

using proxy::ForwardedClient;

ForwardedClient facts() {
  ForwardedClient result;
  result.client = *SocketAddress::parse("192.0.2.1", 40001);
  result.local = *SocketAddress::parse("2001:db8::25", 143);
  result.session_id = "3f9a-7";
  result.ttl = 4;
  result.tls = true;
  return result;
}

const std::string ours =
    "\"x-session-id\" \"3f9a-7\" \"x-originating-ip\" \"192.0.2.1\" "
    "\"x-originating-port\" \"40001\" \"x-connected-ip\" \"2001:db8::25\" "
    "\"x-connected-port\" \"143\" \"x-proxy-ttl\" \"4\" \"x-client-transport\" \"TLS\"";

// A line as a client sends it, parsed as ours are.
Result<IdList> parsed(const std::string& argument) {
  Pieces pieces;
  pieces.push_back(Secret::copy_of("a1 ID " + argument));
  Result<Command> command = parse_command(pieces);
  if (!command) return fail(command.error());
  return std::move(command->id);
}

TEST(ForwardedId, SaysWhoTheClientIs) {
  EXPECT_EQ(forwarded_id({}, facts()), "(" + ours + ")");
  ForwardedClient less;
  EXPECT_EQ(forwarded_id({}, less), "NIL");
  less.ttl = 1;
  less.tls = false;
  EXPECT_EQ(forwarded_id({}, less), "(\"x-proxy-ttl\" \"1\" \"x-client-transport\" \"insecure\")");
}

TEST(ForwardedId, TheClientsOwnFieldsFollow) {
  EXPECT_EQ(forwarded_id({{"name", "mutt"}, {"version", std::nullopt}, {"os", ""}}, facts()),
            "(" + ours + " \"name\" \"mutt\" \"version\" NIL \"os\" \"\")");
  EXPECT_EQ(forwarded_id({{"name", "say \"hi\\\""}}, ForwardedClient()),
            "(\"name\" \"say \\\"hi\\\\\\\"\")");
}

TEST(ForwardedId, AClientCannotSpeakForAProxy) {
  const char* const names[] = {
      "x-originating-ip",   "X-Originating-IP", "x-originating-port", "x-connected-ip",
      "x-connected-port",   "X-CONNECTED-NAME", "x-proxy-ttl",        "x-session-id",
      "x-session-ext-id",   "x-forward-",       "X-Forward-User",     "x-multiplex",
      "x-client-transport",
  };
  for (const char* name : names) {
    EXPECT_EQ(forwarded_id({{name, "203.0.113.9"}}, facts()), "(" + ours + ")") << name;
    EXPECT_EQ(forwarded_id({{name, "203.0.113.9"}}, ForwardedClient()), "NIL") << name;
  }
  EXPECT_EQ(forwarded_id({{"x-mailer", "y"}}, ForwardedClient()), "(\"x-mailer\" \"y\")");
}

TEST(ForwardedId, OddNamesAreLeftOut) {
  for (const std::string& name :
       {std::string(), std::string(" x-originating-ip"), std::string("x-originating-ip "),
        std::string("x\"y"), std::string("a\r\nb"), std::string("a\0b", 3),
        std::string("caf\xc3\xa9"), std::string(31, 'x'), std::string("a)b")}) {
    EXPECT_EQ(forwarded_id({{name, "v"}}, ForwardedClient()), "NIL") << name;
  }
  EXPECT_EQ(forwarded_id({{std::string(30, 'x'), "v"}}, ForwardedClient()),
            "(\"" + std::string(30, 'x') + "\" \"v\")");
}

TEST(ForwardedId, OddValuesBecomeNil) {
  for (const std::string& value :
       {std::string("a\r\nA2 LOGOUT"), std::string("\n"), std::string("a\0b", 3), std::string("\t"),
        std::string("\x7f"), std::string("caf\xc3\xa9"), std::string(1025, 'x')}) {
    EXPECT_EQ(forwarded_id({{"name", value}}, ForwardedClient()), "(\"name\" NIL)") << value;
  }
  const std::string longest(1024, 'x');
  EXPECT_EQ(forwarded_id({{"name", longest}}, ForwardedClient()), "(\"name\" \"" + longest + "\")");
  ForwardedClient odd;
  odd.session_id = "a\" \"x-proxy-ttl\" \"9";
  EXPECT_EQ(forwarded_id({}, odd), "NIL");
}

TEST(ForwardedId, FieldsAndBytesAreLimited) {
  IdList many;
  for (int i = 0; i < 100; ++i) many.emplace_back("n" + std::to_string(i), "v");
  const Result<IdList> read = parsed(forwarded_id(many, facts()));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->size(), 30u);
  EXPECT_EQ(read->at(0).first, "x-session-id");
  EXPECT_EQ(read->at(29).first, "n22");

  IdList large;
  for (int i = 0; i < 30; ++i) large.emplace_back("n" + std::to_string(i), std::string(1024, '"'));
  const std::string text = forwarded_id(large, facts());
  EXPECT_LT(text.size(), 8192u);
  EXPECT_NE(text.find("\"n2\""), std::string::npos);
  EXPECT_TRUE(parsed(text));
}

TEST(ForwardedId, IsReadByAProxyBehindUs) {
  const Result<IdList> list = parsed(forwarded_id({{"name", "mutt"}}, facts()));
  ASSERT_TRUE(list) << list.error().detail;
  const Result<ForwardedClient> read = read_forwarded(*list);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->client->to_string(), "192.0.2.1:40001");
  EXPECT_EQ(read->local->to_string(), "[2001:db8::25]:143");
  EXPECT_EQ(read->session_id, "3f9a-7");
  EXPECT_EQ(read->ttl, 4u);
  EXPECT_EQ(read->tls, true);
}

TEST(ReadForwarded, WhatIsNotSaidIsNotKnown) {
  for (const IdList& list :
       {IdList{}, IdList{{"name", "mutt"}}, IdList{{"x-originating-ip", std::nullopt}},
        IdList{{"x-originating-port", "1"}}}) {
    const Result<ForwardedClient> read = read_forwarded(list);
    ASSERT_TRUE(read);
    EXPECT_FALSE(read->client || read->local || read->ttl || read->tls);
    EXPECT_EQ(read->session_id, "");
  }
  EXPECT_EQ(read_forwarded({{"X-Originating-IP", "::ffff:192.0.2.1"}})->client->to_string(),
            "192.0.2.1");
  EXPECT_EQ(read_forwarded({{"x-session-ext-id", "abc"}})->session_id, "abc");
  EXPECT_EQ(read_forwarded({{"x-session-ext-id", "abc"}, {"x-session-id", "d"}})->session_id, "d");
  EXPECT_EQ(read_forwarded({{"x-client-transport", "insecure"}})->tls, false);
  // The first one counts: what a proxy passes on stands behind its own.
  EXPECT_EQ(read_forwarded({{"x-proxy-ttl", "2"}, {"x-proxy-ttl", "9"}})->ttl, 2u);
}

TEST(ReadForwarded, MalformedValuesAreRefused) {
  const struct {
    const char* name;
    std::string value;
  } cases[] = {
      {"x-originating-ip", ""},
      {"x-originating-ip", "localhost"},
      {"x-originating-ip", "192.0.2.1 "},
      {"x-originating-ip", "192.0.2.256"},
      {"x-originating-ip", std::string("192.0.2.1\0", 10)},
      {"x-originating-ip", "[::1]"},
      {"x-connected-ip", "x"},
      {"x-originating-port", ""},
      {"x-originating-port", "65536"},
      {"x-originating-port", "-1"},
      {"x-originating-port", "0x19"},
      {"x-originating-port", "25 "},
      {"x-connected-port", "18446744073709551617"},
      {"x-proxy-ttl", "256"},
      {"x-proxy-ttl", "four"},
      {"x-session-id", ""},
      {"x-session-id", "a b"},
      {"x-session-id", "a\r\nb"},
      {"x-session-id", std::string(65, 'x')},
      {"x-session-ext-id", "caf\xc3\xa9"},
  };
  for (const auto& c : cases) {
    const Result<ForwardedClient> read = read_forwarded({{c.name, c.value}});
    ASSERT_FALSE(read) << c.name << " " << c.value;
    EXPECT_EQ(read.error().code, Errc::protocol);
    // It is sent in one line: nothing of the input may be in it.
    EXPECT_LT(read.error().detail.size(), 60u);
  }
}

}  // namespace
}  // namespace openmmp::imap
