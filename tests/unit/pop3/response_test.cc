#include "workers/pop3/response.h"

#include <gtest/gtest.h>

namespace openmmp::pop3 {
namespace {

TEST(Pop3Response, IsTakenApart) {
  struct Case {
    const char* line;
    Status status;
    const char* code;
  };
  const Case cases[] = {
      {"+OK", Status::ok, ""},
      {"+ok ready <1.2@x>", Status::ok, ""},
      {"-ERR", Status::err, ""},
      {"-ERR [IN-USE] locked", Status::err, "IN-USE"},
      {"-err [AUTH]", Status::err, "AUTH"},
      {"-ERR no [AUTH]", Status::err, ""},
      {"-ERR [AUTH", Status::err, ""},
      {"-ERR ]x [", Status::err, ""},
      {"+ ", Status::continuation, ""},
      {"+", Status::continuation, ""},
  };
  for (const Case& c : cases) {
    const Result<Response> response = parse_response(c.line);
    ASSERT_TRUE(response) << c.line;
    EXPECT_EQ(response->status, c.status) << c.line;
    EXPECT_EQ(response->code, c.code) << c.line;
  }
}

TEST(Pop3Response, RefusesGarbage) {
  for (const char* line : {"", " ", "OK", "+OKAY", "* OK IMAP4", "220 smtp", "+OK a\rb", "+OK \x1b",
                           " +OK", "\x16\x03\x01"}) {
    EXPECT_FALSE(parse_response(line)) << line;
  }
  EXPECT_FALSE(parse_response(std::string_view("+OK\0", 4)));
}

TEST(Pop3Response, TellsTemporaryFromFinal) {
  for (const char* code : {"SYS/TEMP", "in-use", "LOGIN-DELAY"}) EXPECT_TRUE(is_temporary(code));
  for (const char* code : {"", "AUTH", "SYS/PERM", "SYS"}) EXPECT_FALSE(is_temporary(code));
}

TEST(Pop3Response, FindsAMechanismAmongOthers) {
  const struct {
    const char* line;
    const char* mechanism;
    bool offered;
  } cases[] = {
      {"SASL PLAIN", "PLAIN", true},
      {"sasl LOGIN plain", "PLAIN", true},
      {"SASL PLAIN XOAUTH2", "XOAUTH2", true},
      {"SASL  PLAIN ", "PLAIN", true},
      {"SASL OAUTHBEARER", "XOAUTH2", false},
      {"SASL PLAINER", "PLAIN", false},
      {"SASL PLAIN", "SASL", false},
      {"XSASL PLAIN", "PLAIN", false},
      {"SASL", "PLAIN", false},
      {"SASL ", "PLAIN", false},
      {"PLAIN", "PLAIN", false},
      {"USER", "PLAIN", false},
      {"", "PLAIN", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(offers_mechanism(c.line, c.mechanism), c.offered) << c.line << ' ' << c.mechanism;
  }
}

TEST(Pop3Response, HasAChallengeBehindThePlus) {
  EXPECT_EQ(challenge_of("+ eyJ9"), "eyJ9");
  EXPECT_EQ(challenge_of("+ "), "");
  EXPECT_EQ(challenge_of("+"), "");
  EXPECT_EQ(challenge_of(""), "");
}

TEST(Pop3Response, IsSummarisedInOurOwnWords) {
  const struct {
    const char* line;
    const char* summary;
  } cases[] = {
      {"-ERR [AUTH] PASS s3cret", "-ERR [AUTH]"},
      {"-err [sys/temp] s3cret", "-ERR [SYS/TEMP]"},
      {"-ERR [s3cret] no", "-ERR"},
      {"-ERR PASS s3cret", "-ERR"},
      {"+OK s3cret", "+OK"},
      {"+ s3cret", "+"},
  };
  for (const auto& c : cases) EXPECT_EQ(summary(*parse_response(c.line)), c.summary) << c.line;
}

}  // namespace
}  // namespace openmmp::pop3
