#include "workers/smtp/command.h"

#include <gtest/gtest.h>

namespace openmmp::smtp {
namespace {

using namespace std::literals;

TEST(SmtpCommand, KnowsTheVerbs) {
  struct Case {
    std::string_view line;
    Verb verb;
    std::string_view argument;
  };
  const Case cases[] = {
      {"EHLO c.example", Verb::ehlo, "c.example"},
      {"ehlo  c.example ", Verb::ehlo, "c.example"},
      {"HeLo x", Verb::helo, "x"},
      {"STARTTLS", Verb::starttls, ""},
      {"AUTH PLAIN =", Verb::auth, "PLAIN ="},
      {"mail from:<>", Verb::mail, "from:<>"},
      {"RCPT TO:<a@b>", Verb::rcpt, "TO:<a@b>"},
      {"DATA", Verb::data, ""},
      {"DATA   ", Verb::data, ""},
      {"BDAT 5 LAST", Verb::bdat, "5 LAST"},
      {"rset", Verb::rset, ""},
      {"NOOP a b", Verb::noop, "a b"},
      {"VRFY joe", Verb::vrfy, "joe"},
      {"EXPN list", Verb::expn, "list"},
      {"HELP", Verb::help, ""},
      {"ETRN @x", Verb::etrn, "@x"},
      {"XCLIENT ADDR=::1", Verb::xclient, "ADDR=::1"},
      {"QUIT", Verb::quit, ""},
      {"VRFY j\xc3\xb6rg", Verb::vrfy, "j\xc3\xb6rg"},
      {"", Verb::unknown, ""},
      {" ", Verb::unknown, ""},
      {" QUIT", Verb::unknown, "QUIT"},
      {"QUIT\t", Verb::unknown, ""},
      {"DATA\r", Verb::unknown, ""},
      {"DATA \rQUIT", Verb::unknown, ""},
      {"NOOP \0"sv, Verb::unknown, ""},
      {"NOOP \x7f", Verb::unknown, ""},
      {"NOOP a\nRSET", Verb::unknown, ""},
      {"EHLOx y", Verb::unknown, "y"},
      {"EHL", Verb::unknown, ""},
      {"\0EHLO x"sv, Verb::unknown, ""},
      {"XCLIENTS x", Verb::unknown, "x"},
      {"STARTTLSX", Verb::unknown, ""},
      {"BURL imap:", Verb::unknown, "imap:"},
      {"GET / HTTP/1.1", Verb::unknown, "/ HTTP/1.1"},
      {"\xe5HLO x", Verb::unknown, "x"},
  };
  for (const Case& c : cases) {
    const Command command = parse_command(c.line);
    EXPECT_EQ(command.verb, c.verb) << c.line;
    EXPECT_EQ(command.line, c.line);
    EXPECT_EQ(command.argument, c.argument) << c.line;
  }
}

TEST(SmtpCommand, AllowsLongLinesForAuthOnly) {
  EXPECT_EQ(line_limit("AUTH PLAIN xxx"), longest_auth_line);
  EXPECT_EQ(line_limit("auth "), longest_auth_line);
  EXPECT_EQ(line_limit("AUTHX"), longest_command);
  EXPECT_EQ(line_limit("MAIL FROM:<"), longest_command);
  EXPECT_EQ(line_limit(""), longest_command);
}

TEST(SmtpCommand, TakesAName) {
  const auto extended = parse_greeting(parse_command("EHLO [IPv6:2001:db8::1]"));
  ASSERT_TRUE(extended);
  EXPECT_TRUE(extended->extended);
  EXPECT_EQ(extended->name, "[IPv6:2001:db8::1]");
  const auto plain = parse_greeting(parse_command("helo my_pc "));
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->extended);
  EXPECT_EQ(plain->name, "my_pc");
  EXPECT_TRUE(parse_greeting(parse_command("EHLO " + std::string(255, 'x'))));
  for (const std::string& line :
       {"EHLO"s, "EHLO  "s, "EHLO a b"s, "EHLO " + std::string(256, 'x')}) {
    const auto refused = parse_greeting(parse_command(line));
    ASSERT_FALSE(refused) << line;
    EXPECT_EQ(refused.error().code, Errc::protocol);
    EXPECT_EQ(refused.error().detail.substr(0, 10), "501 5.5.4 ");
  }
}

TEST(SmtpCommand, TakesMail) {
  struct Case {
    std::string_view line;
    std::optional<uint64_t> size;
    bool utf8;
    bool has_auth;
  };
  const Case cases[] = {
      {"MAIL FROM:<a@b>", {}, false, false},
      {"MAIL FROM:<>", {}, false, false},
      {"MAIL FROM: <a@b>", {}, false, false},
      {"mail from:<a@b> size=1000", 1000, false, false},
      {"MAIL FROM:<a@b>  SIZE=0  BODY=8BITMIME ", 0, false, false},
      {"MAIL FROM:<a@b> SMTPUTF8 RET=HDRS ENVID=q+2B", {}, true, false},
      {"MAIL FROM:<j\xc3\xb6rg@b> SmtpUtf8", {}, true, false},
      {"MAIL FROM:<j\xc3\xb6rg@b>", {}, false, false},
      {"MAIL FROM:<a@b> AUTH=<>", {}, false, true},
      {"MAIL FROM:<a@b> AUTH=e+3Dmc2@example.com SIZE=9223372036854775807", INT64_MAX, false, true},
      {"MAIL FROM:<@x,@y:a@[192.0.2.1]>", {}, false, false},
      {"MAIL FROM:<\"a> SIZE=1\"@b>", {}, false, false},
      {"MAIL FROM:<\"a\\\">\"@b> SIZE=2", 2, false, false},
      {"MAIL FROM:<a@[IPv6:::1]> X-SIZE=3", {}, false, false},
  };
  for (const Case& c : cases) {
    const auto mail = parse_mail(parse_command(c.line));
    ASSERT_TRUE(mail) << c.line;
    EXPECT_EQ(mail->size, c.size) << c.line;
    EXPECT_EQ(mail->utf8, c.utf8) << c.line;
    EXPECT_EQ(mail->has_auth, c.has_auth) << c.line;
  }
}

TEST(SmtpCommand, RefusesMailThatHasTwoReadings) {
  const std::pair<std::string, const char*> cases[] = {
      {"MAIL", "501 5.1.7 "},
      {"MAIL FROM", "501 5.1.7 "},
      {"MAIL FROM:", "501 5.1.7 "},
      {"MAIL FROM:a@b", "501 5.1.7 "},
      {"MAIL TO:<a@b>", "501 5.1.7 "},
      {"MAIL FROM :<a@b>", "501 5.1.7 "},
      {"MAIL FROM:<a@b", "501 5.1.7 "},
      {"MAIL FROM:<a b@c>", "501 5.1.7 "},
      {"MAIL FROM:<<a@b>>", "501 5.1.7 "},
      {"MAIL FROM:<a\\>@b>", "501 5.1.7 "},
      {"MAIL FROM:<\"a@b>", "501 5.1.7 "},
      {"MAIL FROM:<\"a\\", "501 5.1.7 "},
      {"MAIL FROM:<a@b>SIZE=1", "501 5.1.7 "},
      {"MAIL FROM:<a@b>,<c@d>", "501 5.1.7 "},
      {"MAIL FROM:<" + std::string(511, 'a') + ">", "501 5.1.7 "},
      {"MAIL FROM:<a@b> SIZE=", "501 5.5.4 "},
      {"MAIL FROM:<a@b> SIZE=-1", "501 5.5.4 "},
      {"MAIL FROM:<a@b> SIZE=1x", "501 5.5.4 "},
      {"MAIL FROM:<a@b> SIZE=9223372036854775808", "501 5.5.4 "},
      {"MAIL FROM:<a@b> SIZE=99999999999999999999999", "501 5.5.4 "},
      {"MAIL FROM:<a@b> SIZE=1 size=2", "501 5.5.4 "},
      {"MAIL FROM:<a@b> =1", "501 5.5.4 "},
      {"MAIL FROM:<a@b> -x", "501 5.5.4 "},
      {"MAIL FROM:<a@b> <c@d>", "501 5.5.4 "},
  };
  for (const auto& [line, text] : cases) {
    const auto mail = parse_mail(parse_command(line));
    ASSERT_FALSE(mail) << line;
    EXPECT_EQ(mail.error().code, Errc::protocol);
    EXPECT_EQ(mail.error().detail.substr(0, 10), text) << line;
  }
  EXPECT_TRUE(parse_mail(parse_command("MAIL FROM:<" + std::string(510, 'a') + ">")));
}

TEST(SmtpCommand, ChecksRecipients) {
  for (const std::string_view line :
       {"RCPT TO:<a@b>", "rcpt to: <a@b> NOTIFY=NEVER ORCPT=rfc822;a@b", "RCPT TO:<Postmaster>",
        "RCPT TO:<\"a b\"@c>", "RCPT TO:<j\xc3\xb6rg@b>"}) {
    EXPECT_TRUE(check_rcpt(parse_command(line))) << line;
  }
  const std::pair<std::string_view, const char*> cases[] = {
      {"RCPT", "501 5.1.3 "},           {"RCPT TO:<>", "501 5.1.3 "},
      {"RCPT TO:a@b", "501 5.1.3 "},    {"RCPT FROM:<a@b>", "501 5.1.3 "},
      {"RCPT TO:<a@b>x", "501 5.1.3 "}, {"RCPT TO:<a@b> n\xc3\xb6=1", "501 5.5.4 "},
  };
  for (const auto& [line, text] : cases) {
    const auto checked = check_rcpt(parse_command(line));
    ASSERT_FALSE(checked) << line;
    EXPECT_EQ(checked.error().detail.substr(0, 10), text) << line;
  }
}

TEST(SmtpCommand, TakesChunks) {
  struct Case {
    std::string_view line;
    uint64_t size;
    bool last;
  };
  const Case cases[] = {
      {"BDAT 0", 0, false},
      {"BDAT 0 LAST", 0, true},
      {"bdat 86 last", 86, true},
      {"BDAT 0010", 10, false},
      {"BDAT 1000000  LAST ", 1000000, true},
      {"BDAT 9223372036854775807", INT64_MAX, false},
  };
  for (const Case& c : cases) {
    const auto chunk = parse_bdat(parse_command(c.line));
    ASSERT_TRUE(chunk) << c.line;
    EXPECT_EQ(chunk->size, c.size);
    EXPECT_EQ(chunk->last, c.last);
  }
  for (const std::string_view line :
       {"BDAT", "BDAT LAST", "BDAT -1", "BDAT +1", "BDAT 0x10", "BDAT 1.5", "BDAT 1 LASTS",
        "BDAT 1 LAST LAST", "BDAT 1 2", "BDAT 9223372036854775808", "BDAT 18446744073709551616"}) {
    const auto chunk = parse_bdat(parse_command(line));
    ASSERT_FALSE(chunk) << line;
    EXPECT_EQ(chunk.error().detail.substr(0, 10), "501 5.5.4 ");
  }
}

TEST(SmtpCommand, TakesAuth) {
  const auto initial = parse_auth(parse_command("auth Scram-Sha-256  biws "));
  ASSERT_TRUE(initial);
  EXPECT_EQ(initial->mechanism, "SCRAM-SHA-256");
  EXPECT_EQ(initial->initial, "biws");
  EXPECT_EQ(parse_auth(parse_command("AUTH LOGIN"))->initial, std::nullopt);
  EXPECT_EQ(parse_auth(parse_command("AUTH EXTERNAL ="))->initial, "");
  EXPECT_EQ(parse_auth(parse_command("AUTH PLAIN AA=="))->initial, "AA==");
  for (const std::string_view line : {"AUTH", "AUTH =", "AUTH (PLAIN)", "AUTH PLAIN a b",
                                      "AUTH ABCDEFGHIJKLMNOPQRSTU", "AUTH PL\xc3\x84IN"}) {
    const auto auth = parse_auth(parse_command(line));
    ASSERT_FALSE(auth) << line;
    EXPECT_EQ(auth.error().detail.substr(0, 10), "501 5.5.4 ");
  }
}

}  // namespace
}  // namespace openmmp::smtp
