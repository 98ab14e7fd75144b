#include "workers/pop3/xclient.h"

#include <gtest/gtest.h>

namespace openmmp::pop3 {
namespace {

using proxy::ForwardedClient;

ForwardedClient everything() {
  ForwardedClient facts;
  facts.client = *SocketAddress::parse("192.0.2.1", 40001);
  facts.local = *SocketAddress::parse("2001:db8::25", 110);
  facts.session_id = "3f9a+/=-x";
  facts.ttl = 4;
  return facts;
}

std::string names(const XclientOffer& offer) {
  std::string text;
  for (const auto& [is_offered, name] :
       {std::pair(offer.addr, "a"), std::pair(offer.port, "p"), std::pair(offer.session, "s"),
        std::pair(offer.ttl, "t"), std::pair(offer.destaddr, "A"),
        std::pair(offer.destport, "P")}) {
    if (is_offered) text += name;
  }
  return text;
}

TEST(Xclient, IsOfferedByGreetingOrCapability) {
  const struct {
    std::string line;
    const char* offer;  // null: none
  } cases[] = {
      {"+OK [XCLIENT] Dovecot ready.", "apst"},
      {"+OK [XCLIENT]", "apst"},
      {"+OK Dovecot ready. [XCLIENT]", nullptr},
      {"+OK Dovecot ready.", nullptr},
      {"+OK", nullptr},
      {"+OKAY [XCLIENT]", nullptr},
      {"-ERR [XCLIENT]", nullptr},
      {"XCLIENT", "apst"},
      {"xclient", "apst"},
      {"XCLIENT ADDR PORT", "ap"},
      {"XCLIENT  addr  TTL ", "at"},
      {"XCLIENT ADDR PORT SESSION TTL DESTADDR DESTPORT", "apstAP"},
      {"XCLIENT NAME HELO LOGIN", ""},
      {"XCLIENTS", nullptr},
      {" XCLIENT", nullptr},
      {"SASL XCLIENT", nullptr},
      {"", nullptr},
      {std::string("XCLIENT\0ADDR", 12), nullptr},
  };
  for (const auto& c : cases) {
    const std::optional<XclientOffer> offer = offered_xclient(c.line);
    ASSERT_EQ(offer.has_value(), c.offer != nullptr) << c.line;
    if (offer) {
      EXPECT_EQ(names(*offer), c.offer) << c.line;
    }
  }
  EXPECT_EQ(names(*offered_xclient(xclient_capability)), "apstAP");
  EXPECT_TRUE(offered_xclient("+OK " + std::string(xclient_greeting) + "ready."));
}

TEST(Xclient, SaysWhatIsOffered) {
  EXPECT_EQ(xclient_line(everything(), XclientOffer()),
            "XCLIENT ADDR=192.0.2.1 PORT=40001 SESSION=3f9a+/=-x TTL=4");
  EXPECT_EQ(xclient_line(everything(), *offered_xclient("XCLIENT PORT DESTPORT DESTADDR")),
            "XCLIENT PORT=40001 DESTADDR=2001:db8::25 DESTPORT=110");
  EXPECT_EQ(xclient_line(everything(), *offered_xclient("XCLIENT LOGIN")), "");
  EXPECT_EQ(xclient_line(ForwardedClient(), XclientOffer()), "");
}

TEST(Xclient, ASessionIdThatCouldBreakTheLineIsLeftOut) {
  ForwardedClient facts = everything();
  for (const std::string& id :
       {std::string("a b"), std::string("a\r\nDELE 1"), std::string("a\0b", 3),
        std::string("caf\xc3\xa9"), std::string(65, 'x'), std::string()}) {
    facts.session_id = id;
    EXPECT_EQ(xclient_line(facts, XclientOffer()), "XCLIENT ADDR=192.0.2.1 PORT=40001 TTL=4");
  }
}

std::string text_of(const ForwardedClient& facts) {
  return (facts.client ? facts.client->to_string() : "-") + " " +
         (facts.local ? facts.local->to_string() : "-") + " " + facts.session_id + " " +
         (facts.ttl ? std::to_string(*facts.ttl) : "-");
}

TEST(Xclient, IsRead) {
  const struct {
    const char* line;
    const char* facts;
  } cases[] = {
      {"XCLIENT ADDR=192.0.2.1 PORT=40001 SESSION=a+/= TTL=4", "192.0.2.1:40001 - a+/= 4"},
      {"xclient port=1 addr=2001:DB8::1", "[2001:db8::1]:1 -  -"},
      {"XCLIENT ADDR=::ffff:192.0.2.1", "192.0.2.1 -  -"},
      {"XCLIENT DESTPORT=110 DESTADDR=198.51.100.1", "- 198.51.100.1:110  -"},
      {"XCLIENT  ADDR=192.0.2.1   PORT=0 ", "192.0.2.1 -  -"},
      {"XCLIENT PORT=1", "- -  -"},
      {"XCLIENT TTL=0", "- -  0"},
      {"XCLIENT FORWARD=YT1i CLIENT-TRANSPORT=TLS NAME= X=y=z TTL=3", "- -  3"},
  };
  for (const auto& c : cases) {
    const Result<ForwardedClient> facts = parse_xclient(c.line);
    ASSERT_TRUE(facts) << c.line << ": " << facts.error().detail;
    EXPECT_EQ(text_of(*facts), c.facts) << c.line;
  }
}

TEST(Xclient, MalformedLinesAreRefused) {
  const std::string cases[] = {
      "XCLIENT",
      "XCLIENT ",
      "XCLIENTS ADDR=::1",
      "USER joe",
      "",
      "XCLIENT ADDR",
      "XCLIENT =::1",
      "XCLIENT ADDR=",
      "XCLIENT ADDR=localhost",
      "XCLIENT ADDR=192.0.2.1:25",
      "XCLIENT ADDR=[UNAVAILABLE]",
      "XCLIENT ADDR=192.0.2.1,PORT=1",
      "XCLIENT ADDR=192.0.2.1 PORT=65536",
      "XCLIENT ADDR=192.0.2.1 PORT=-1",
      "XCLIENT ADDR=192.0.2.1 PORT=1x",
      "XCLIENT ADDR=192.0.2.1 PORT=",
      "XCLIENT DESTADDR=x",
      "XCLIENT DESTPORT=x",
      "XCLIENT TTL=99999999999999999999",
      "XCLIENT TTL=four",
      "XCLIENT SESSION=",
      "XCLIENT SESSION=" + std::string(65, 'x'),
      "XCLIENT SESSION=a\tb",
      "XCLIENT SESSION=caf\xc3\xa9",
      std::string("XCLIENT ADDR=192.0.2.1\0", 23),
  };
  for (const std::string& line : cases) {
    const Result<ForwardedClient> facts = parse_xclient(line);
    ASSERT_FALSE(facts) << line;
    EXPECT_EQ(facts.error().code, Errc::protocol) << line;
    // It is sent in one line: nothing of the input may be in it.
    EXPECT_LT(facts.error().detail.size(), 60u) << line;
  }
}

TEST(Xclient, WhatIsWrittenIsRead) {
  const XclientOffer all = *offered_xclient(xclient_capability);
  const Result<ForwardedClient> facts = parse_xclient(xclient_line(everything(), all));
  ASSERT_TRUE(facts);
  EXPECT_EQ(text_of(*facts), text_of(everything()));
}

}  // namespace
}  // namespace openmmp::pop3
