#include "workers/sasl/cram.h"

#include <gtest/gtest.h>

#include "workers/sasl/base64.h"
#include "workers/sasl/digest.h"

namespace openmmp::sasl {
namespace {

const std::string some_digest = "0123456789abcdef0123456789abcdef";

TEST(Cram, MakesAMessageId) {
  EXPECT_EQ(make_challenge(std::string("\x01\x23\x45\x67\x89\xab\xcd\xef", 8), 1700000000,
                           "mmp.example.com"),
            "<0123456789abcdef.1700000000@mmp.example.com>");
  EXPECT_DEATH((void)make_challenge("short", 0, "host"), "random");
}

// RFC 2195, section 2.
TEST(Cram, VerifiesTheExampleOfRfc2195) {
  const std::string challenge =
      base64_decode("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+").value();
  EXPECT_EQ(challenge, "<1896.697170952@postoffice.reston.mci.net>");
  const Result<Secret> message =
      decode_response("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw");
  ASSERT_TRUE(message);
  const Result<DigestResponse> response = parse_digest_response(message->reveal());
  ASSERT_TRUE(response);
  EXPECT_EQ(response->user, "tim");
  EXPECT_EQ(response->digest, "b913a602c7eda7a495b4e6e7334d3890");
  EXPECT_TRUE(verify_cram_md5(challenge, response->digest, Secret("tanstaaftanstaaf")));
  for (const char* wrong : {"tanstaaftanstaag", "tanstaaf", "", "TANSTAAFTANSTAAF"}) {
    const Result<> verified = verify_cram_md5(challenge, response->digest, Secret(wrong));
    ASSERT_FALSE(verified) << wrong;
    EXPECT_EQ(verified.error().code, Errc::refused);
  }
  EXPECT_FALSE(verify_cram_md5("<other>", response->digest, Secret("tanstaaftanstaaf")));
}

// RFC 1939, section 7.
TEST(Cram, VerifiesTheExampleOfRfc1939) {
  const std::string challenge = "<1896.697170952@dbc.mtview.ca.us>";
  const Result<DigestResponse> response =
      parse_digest_response("mrose c4c9334bac560ecc979e58001b3e22fb");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->user, "mrose");
  EXPECT_TRUE(verify_apop(challenge, response->digest, Secret("tanstaaf")));
  EXPECT_FALSE(verify_apop(challenge, response->digest, Secret("tanstaa")));
  EXPECT_FALSE(
      verify_apop("<1896.697170953@dbc.mtview.ca.us>", response->digest, Secret("tanstaaf")));
  EXPECT_FALSE(verify_cram_md5(challenge, response->digest, Secret("tanstaaf")));
}

// Whoever has no password could otherwise be logged in as by everybody.
TEST(Cram, TakesNoDigestOfAnEmptyPassword) {
  const std::string challenge = "<1@host>";
  EXPECT_FALSE(verify_cram_md5(challenge, hex(hmac_md5("", challenge).value()), Secret()));
  EXPECT_FALSE(verify_apop(challenge, hex(md5(challenge).value()), Secret()));
}

TEST(Cram, TakesNamesWithBlanks) {
  for (const char* user : {"joe smith", "j", " joe", "joe ", "j\xc3\xb6rg@example.com"}) {
    const Result<DigestResponse> response = parse_digest_response(user + (' ' + some_digest));
    ASSERT_TRUE(response) << user;
    EXPECT_EQ(response->user, user);
    EXPECT_EQ(response->digest, some_digest);
  }
}

TEST(Cram, RefusesTheRest) {
  const std::pair<std::string, Errc> bad[] = {
      {"", Errc::protocol},
      {" ", Errc::protocol},
      {"joe", Errc::protocol},
      {some_digest, Errc::protocol},
      {"joe ", Errc::protocol},
      {"joe" + some_digest, Errc::protocol},
      {"joe\t" + some_digest, Errc::protocol},
      {"joe " + some_digest + " ", Errc::protocol},
      {"joe " + some_digest + "0", Errc::protocol},
      {"joe " + some_digest.substr(1), Errc::protocol},
      {"joe " + some_digest.substr(1) + "F", Errc::protocol},
      {"joe " + some_digest.substr(1) + "g", Errc::protocol},
      {"joe " + some_digest.substr(1) + std::string(1, '\0'), Errc::protocol},
      {"joe " + some_digest.substr(1) + "\xff", Errc::protocol},
      {" " + some_digest, Errc::refused},
      {std::string("j\0e ", 4) + some_digest, Errc::refused},
      {"j\ne " + some_digest, Errc::refused},
      {"j\xf6rg " + some_digest, Errc::refused},
      {std::string(2000, 'j') + ' ' + some_digest, Errc::refused},
  };
  for (const auto& [text, code] : bad) {
    const Result<DigestResponse> response = parse_digest_response(text);
    ASSERT_FALSE(response) << text;
    EXPECT_EQ(response.error().code, code) << text;
  }
}

}  // namespace
}  // namespace openmmp::sasl
