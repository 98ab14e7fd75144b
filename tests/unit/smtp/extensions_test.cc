#include "workers/smtp/extensions.h"

#include <gtest/gtest.h>

namespace openmmp::smtp {
namespace {

using Words = std::vector<std::string>;

// A positive answer to EHLO with these lines behind the relay's name.
Extensions parse(const std::string& lines) {
  const std::string text = "250-relay.example\r\n" + lines + "250 8BITMIME\r\n";
  const auto reply = find_reply(text);
  EXPECT_TRUE(reply && *reply) << lines;
  return parse_extensions(**reply);
}

TEST(SmtpExtensions, AreTakenFromTheAnswer) {
  const Extensions e = parse(
      "250-size 1000\r\n250-AUTH PLAIN login CRAM-MD5\r\n250-AUTH=LOGIN NTLM\r\n250-StartTLS\r\n"
      "250-PIPELINING\r\n250-CHUNKING\r\n250-XCLIENT NAME addr PORT\r\n250-XPROXYEHLO abc123\r\n"
      "250-XLOOP 0123456789ABCDEF\r\n");
  EXPECT_TRUE(e.extended && e.start_tls && e.pipelining && e.chunking);
  EXPECT_EQ(e.size, 1000u);
  EXPECT_EQ(e.mechanisms, (Words{"PLAIN", "LOGIN", "CRAM-MD5", "NTLM"}));
  EXPECT_EQ(e.xclient, (Words{"NAME", "ADDR", "PORT"}));
  EXPECT_EQ(e.xproxyehlo, "abc123");
  EXPECT_EQ(e.xproxyehlo_keyword, "XPROXYEHLO");
  EXPECT_TRUE(e.has("8BITMIME") && e.has("XLOOP") && e.has("SIZE"));
  EXPECT_FALSE(e.has("8bitmime") || e.has("AUTH") || e.has("relay.example"));
  const Extensions old = parse("250-XPEHLO\r\n250-SIZE\r\n");
  EXPECT_EQ(old.xproxyehlo, "");
  EXPECT_EQ(old.xproxyehlo_keyword, "XPEHLO");
  EXPECT_EQ(old.size, 0u);
  EXPECT_TRUE(old.xclient.empty());
}

TEST(SmtpExtensions, AreThoseOfTheAnswerHoweverManyCameBefore) {
  ExtensionLists lists;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 40; ++i) {
      const std::string size = std::to_string(i);
      const std::string text = "250-relay\r\n250 SIZE " + size + "\r\n";
      EXPECT_EQ(lists.parse(Reply{250, text}).size, i);
      EXPECT_EQ(lists.parse(Reply{250, text}).size, i);
      const std::string nonce = "250-relay\r\n250 XPROXYEHLO " + size + "\r\n";
      EXPECT_EQ(lists.parse(Reply{250, nonce}).xproxyehlo, size);
    }
  }
  const std::string long_text = "250-relay " + std::string(4000, 'x') + "\r\n250 DSN\r\n";
  EXPECT_TRUE(lists.parse(Reply{250, long_text}).has("DSN"));
}

TEST(SmtpExtensions, AreLeftOutWhenMalformed) {
  const Extensions e = parse("250-SIZE many\r\n250- DSN\r\n250-\r\n250\r\n" + std::string());
  // "250" alone is the end: what follows is another reply.
  EXPECT_TRUE(e.list.size() == 1 && !e.size);
  const Extensions more = parse(
      "250-DSN\ta\r\n250-HELP \xc3\xa4\r\n250-(X)\r\n250--X\r\n250-AUTH (PLAIN) LOGIN PLAIN,X\r\n"
      "250-AUTH ABCDEFGHIJKLMNOPQRSTU\r\n250-SIZE 1\r\n250-SIZE 2\r\n"
      "250-SIZE 99999999999999999999999\r\n250-XPEHLO a\r\n250-XPROXYEHLO b\r\n");
  EXPECT_FALSE(more.has("DSN") || more.has("HELP") || more.has("(X)") || more.has("-X"));
  EXPECT_EQ(more.mechanisms, Words{"LOGIN"});
  EXPECT_EQ(more.size, 1u);
  EXPECT_EQ(more.xproxyehlo, "a");
  std::string flood;
  for (int i = 0; i < 500; ++i) flood += "250-X" + std::to_string(i) + "\r\n";
  EXPECT_EQ(parse(flood).list.size(), 64u);
}

// The lines of the answer, without codes; checks that these are right.
Words announced(const Extensions& relay, const Announcement& facts) {
  const std::string text = announce(relay, facts);
  const auto reply = find_reply(text);
  EXPECT_TRUE(reply && *reply && (*reply)->text == text) << text;
  Words lines;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    lines.push_back(text.substr(at + 4, text.find('\r', at) - at - 4));
  }
  return lines;
}

TEST(SmtpExtensions, AreAnnouncedAsThisHopHasThem) {
  const Extensions relay = parse(
      "250-PIPELINING\r\n250-SIZE 5000\r\n250-STARTTLS\r\n250-AUTH GSSAPI PLAIN\r\n"
      "250-AUTH=GSSAPI PLAIN\r\n250-DSN\r\n250-NO-SOLICITING\r\n250-XLOOP AB\r\n250-TURN\r\n"
      "250-CHUNKING\r\n250-BINARYMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n");
  Announcement facts;
  facts.name = "mmp.example";
  EXPECT_EQ(announced(relay, facts),
            (Words{"mmp.example", "PIPELINING", "DSN", "XLOOP AB", "CHUNKING", "BINARYMIME",
                   "SMTPUTF8", "ENHANCEDSTATUSCODES", "8BITMIME", "SIZE 5000"}));
  facts.start_tls = true;
  facts.mechanisms = {"PLAIN", "LOGIN"};
  facts.max_size = 4000;
  facts.keywords = {"turn", "No-Soliciting"};
  facts.own = {"XCLIENT NAME ADDR"};
  EXPECT_EQ(announced(relay, facts),
            (Words{"mmp.example", "PIPELINING", "DSN", "NO-SOLICITING", "XLOOP AB", "TURN",
                   "CHUNKING", "BINARYMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "8BITMIME",
                   "SIZE 4000", "STARTTLS", "AUTH PLAIN LOGIN", "XCLIENT NAME ADDR"}));
}

TEST(SmtpExtensions, OfARelayThatTookHeloAreOursAlone) {
  Announcement facts;
  facts.name = "mmp.example";
  facts.max_size = 10;
  EXPECT_EQ(announced(Extensions(), facts), Words{"mmp.example"});
  facts.start_tls = true;
  EXPECT_EQ(announced(Extensions(), facts), (Words{"mmp.example", "STARTTLS"}));
}

TEST(SmtpExtensions, HaveTheSmallerSize) {
  struct Case {
    const char* relay;
    uint64_t ours;
    const char* announced;  // the last line, which is another one when SIZE is not there
  };
  const Case cases[] = {
      {"", 0, "8BITMIME"},
      {"", 10, "8BITMIME"},
      {"250-SIZE\r\n", 0, "SIZE"},
      {"250-SIZE 0\r\n", 10, "SIZE 10"},
      {"250-SIZE 5\r\n", 0, "SIZE 5"},
      {"250-SIZE 5\r\n", 10, "SIZE 5"},
      {"250-SIZE 50\r\n", 10, "SIZE 10"},
      {"250-SIZE x\r\n", 10, "8BITMIME"},
  };
  for (const Case& c : cases) {
    Announcement facts;
    facts.max_size = c.ours;
    const Words lines = announced(parse(c.relay), facts);
    EXPECT_EQ(lines.back(), c.announced) << c.relay << c.ours;
  }
}

TEST(SmtpExtensions, OfTheHopNeverPass) {
  for (const char* keyword :
       {"STARTTLS", "AUTH PLAIN", "AUTH=PLAIN", "X-ANONYMOUSTLS", "X-EXPS NTLM", "XCLIENT NAME",
        "XPEHLO", "XPROXYEHLO n", "XFORWARD NAME", "BURL imap", "REQUIRETLS", "ATRN", "XEXCH50",
        "XRDST"}) {
    const std::string line = keyword;
    Announcement facts;
    facts.name = "mmp.example";
    facts.keywords = {line.substr(0, line.find_first_of(" =")), line};
    EXPECT_EQ(announced(parse("250-" + line + "\r\n"), facts),
              (Words{"mmp.example", "PIPELINING", "8BITMIME"}))
        << keyword;
    const std::string verb = facts.keywords[0];
    EXPECT_FALSE(lets_pass(parse("250-" + line + "\r\n"), verb, facts.keywords)) << keyword;
  }
}

TEST(SmtpExtensions, LetTheirVerbsPass) {
  const Extensions relay = parse("250-XFOO a\r\n250-LANG\r\n");
  EXPECT_TRUE(lets_pass(relay, "XFOO", {"xfoo"}));
  EXPECT_FALSE(lets_pass(relay, "XBAR", {"XFOO", "XBAR"}));
  EXPECT_FALSE(lets_pass(relay, "LANG", {"XFOO"}));
  EXPECT_FALSE(lets_pass(relay, "", {"XFOO"}));
}

TEST(SmtpExtensions, PassWithWhatTheyNeedOnly) {
  Announcement facts;
  facts.name = "mmp.example";
  facts.keywords = {"BINARYMIME", "SMTPUTF8"};
  EXPECT_EQ(announced(parse("250-BINARYMIME\r\n"), facts),
            (Words{"mmp.example", "PIPELINING", "8BITMIME"}));
  const std::string text = "250-relay\r\n250 SMTPUTF8\r\n";
  const auto reply = find_reply(text);
  EXPECT_EQ(announced(parse_extensions(**reply), facts), (Words{"mmp.example", "PIPELINING"}));
}

}  // namespace
}  // namespace openmmp::smtp
