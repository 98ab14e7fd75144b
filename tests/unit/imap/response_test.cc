#include "workers/imap/response.h"

#include <gtest/gtest.h>

namespace openmmp::imap {
namespace {

TEST(ImapResponse, IsTakenApart) {
  struct Case {
    const char* line;
    const char* tag;
    Status status;
    const char* code;
    const char* text;
  };
  const Case cases[] = {
      {"* OK ready", "*", Status::ok, "", "OK ready"},
      {"* ok [CAPABILITY IMAP4rev1 ID] hi", "*", Status::ok, "CAPABILITY IMAP4rev1 ID",
       "ok [CAPABILITY IMAP4rev1 ID] hi"},
      {"* PREAUTH hi", "*", Status::preauth, "", "PREAUTH hi"},
      {"* BYE [UNAVAILABLE] x", "*", Status::bye, "UNAVAILABLE", "BYE [UNAVAILABLE] x"},
      {"a1 NO [INUSE] x", "a1", Status::no, "INUSE", "NO [INUSE] x"},
      {"a1 NO [ALERT x", "a1", Status::no, "", "NO [ALERT x"},
      {"a1 NO no code [INUSE]", "a1", Status::no, "", "NO no code [INUSE]"},
      {"a1 BAD", "a1", Status::bad, "", "BAD"},
      {"a1 OK", "a1", Status::ok, "", "OK"},
      {"* CAPABILITY IMAP4rev1", "*", Status::other, "", "CAPABILITY IMAP4rev1"},
      {"* 5 EXISTS", "*", Status::other, "", "5 EXISTS"},
      {"*", "*", Status::other, "", ""},
      {"+", "+", Status::other, "", ""},
      {"+ OK", "+", Status::other, "", "OK"},
      {"+idling", "+", Status::other, "", "dling"},
      {"a1", "a1", Status::other, "", ""},
      {"* OKAY", "*", Status::other, "", "OKAY"},
  };
  for (const Case& c : cases) {
    const Result<Response> response = parse_response(c.line);
    ASSERT_TRUE(response) << c.line;
    EXPECT_EQ(response->tag, c.tag) << c.line;
    EXPECT_EQ(response->status, c.status) << c.line;
    EXPECT_EQ(response->code, c.code) << c.line;
    EXPECT_EQ(response->text, c.text) << c.line;
  }
}

TEST(ImapResponse, RefusesGarbage) {
  for (const char* line : {"", " ", " OK", "* OK a\rb", "* OK \x1b[2J", "%s OK", "(x) OK",
                           "\x80 OK", "**", "\x16\x03\x01"}) {
    EXPECT_FALSE(parse_response(line)) << line;
  }
  EXPECT_FALSE(parse_response(std::string_view("* OK\0", 5)));
}

TEST(ImapResponse, FindsCapabilityLists) {
  EXPECT_EQ(capability_list("CAPABILITY IMAP4rev1 ID"), "IMAP4rev1 ID");
  EXPECT_EQ(capability_list("capability x"), "x");
  for (const char* text : {"", "CAPABILITY", "CAPABILITYX y", "ALERT", "OK CAPABILITY x"}) {
    EXPECT_EQ(capability_list(text), "") << text;
  }
}

TEST(ImapResponse, TellsTemporaryFromFinal) {
  for (const char* code : {"UNAVAILABLE", "unavailable", "INUSE", "LIMIT", "SERVERBUG",
                           "CONTACTADMIN", "UNAVAILABLE x"}) {
    EXPECT_TRUE(is_temporary(code)) << code;
  }
  for (const char* code : {"", "AUTHENTICATIONFAILED", "EXPIRED", "ALERT", "UNAVAILABLEX"}) {
    EXPECT_FALSE(is_temporary(code)) << code;
  }
}

TEST(ImapResponse, IsSummarisedInOurOwnWords) {
  const struct {
    const char* line;
    const char* summary;
  } cases[] = {
      {"a NO [AUTHENTICATIONFAILED] LOGIN joe s3cret", "NO [AUTHENTICATIONFAILED]"},
      {"a no [expired s3cret] x", "NO [EXPIRED]"},
      {"a NO [s3cret] x", "NO"},
      {"a BAD LOGIN joe s3cret", "BAD"},
      {"a OK s3cret", "OK"},
      {"* BYE [UNAVAILABLE] s3cret", "BYE [UNAVAILABLE]"},
      {"a s3cret", "something else than OK, NO or BAD"},
      {"+ s3cret", "+"},
  };
  for (const auto& c : cases) EXPECT_EQ(summary(*parse_response(c.line)), c.summary) << c.line;
}

}  // namespace
}  // namespace openmmp::imap
