#include "workers/sasl/oauth.h"

#include <gtest/gtest.h>

#include "workers/sasl/base64.h"

namespace openmmp::sasl {
namespace {

constexpr Mechanism google = Mechanism::xoauth2;
constexpr Mechanism rfc = Mechanism::oauthbearer;

// "|" stands for the separator, %x01.
std::string message(std::string text) {
  for (char& c : text) c = c == '|' ? '\x01' : c;
  return text;
}

Result<OauthMessage> parse(Mechanism mechanism, const std::string& text) {
  return parse_oauth(mechanism, message(text));
}

// Google's page on the XOAUTH2 mechanism.
TEST(Oauth, TakesTheExampleOfGoogle) {
  const std::string text =
      "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJo"
      "ZG1semRHRXVZMjl0Q2cBAQ==";
  const Result<OauthMessage> parsed = parse_oauth(google, decode_response(text)->reveal());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->user, "someuser@example.com");
  EXPECT_EQ(parsed->token.reveal(), "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
  EXPECT_TRUE(parsed->others.empty());
  EXPECT_EQ(oauth_response(google, *parsed, parsed->user), text);
}

// RFC 7628, section 4.1.
TEST(Oauth, TakesTheExampleOfRfc7628) {
  const std::string text =
      "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZG"
      "OWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB";
  const Result<OauthMessage> parsed = parse_oauth(rfc, decode_response(text)->reveal());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->user, "user@example.com");
  EXPECT_EQ(parsed->token.reveal(), "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
  ASSERT_EQ(parsed->others.size(), 2u);
  EXPECT_EQ(parsed->others[0],
            std::make_pair(std::string("host"), std::string("server.example.com")));
  EXPECT_EQ(parsed->others[1], std::make_pair(std::string("port"), std::string("143")));
  EXPECT_EQ(oauth_response(rfc, *parsed, parsed->user), text);
}

TEST(Oauth, GivesTheStoreItsOwnName) {
  const Result<OauthMessage> a = parse(google, "user=joe|auth=bearer  t1|vendor=a b=c||");
  ASSERT_TRUE(a);
  EXPECT_EQ(base64_decode(oauth_response(google, *a, "joe@store")).value(),
            message("user=joe@store|auth=Bearer t1|vendor=a b=c||"));
  const Result<OauthMessage> b = parse(rfc, "y,a=joe=2Cx,|auth=Bearer t1|port=|user=root||");
  ASSERT_TRUE(b);
  EXPECT_EQ(b->user, "joe,x");
  EXPECT_EQ(base64_decode(oauth_response(rfc, *b, "a=b,c")).value(),
            message("n,a=a=3Db=2Cc,|port=|user=root|auth=Bearer t1||"));
}

TEST(Oauth, TakesLongTokens) {
  for (const size_t size : {size_t{1}, size_t{12000}, size_t{16384}, longest_token}) {
    const std::string token(size, 't');
    for (const Mechanism mechanism : {google, rfc}) {
      const std::string head = mechanism == google ? "user=joe|" : "n,a=joe,|";
      const Result<OauthMessage> parsed = parse(mechanism, head + "auth=Bearer " + token + "||");
      ASSERT_TRUE(parsed) << size;
      EXPECT_TRUE(parsed->token.equals(token));
      EXPECT_TRUE(parse_oauth(mechanism,
                              base64_decode(oauth_response(mechanism, *parsed, "jane")).value()));
    }
  }
  EXPECT_EQ(parse(google, "user=joe|auth=Bearer " + std::string(longest_token + 1, 't') + "||")
                .error()
                .code,
            Errc::refused);
  EXPECT_EQ(parse(google, "user=joe|auth=Bearer " + std::string(longest_oauth_message, 't') + "||")
                .error()
                .code,
            Errc::protocol);
}

TEST(Oauth, RefusesMalformedMessages) {
  const std::pair<Mechanism, std::string> bad[] = {
      {google, ""},
      {google, "||"},
      {google, "user=joe"},
      {google, "user=joe|"},
      {google, "user=joe|auth=Bearer t"},
      {google, "user=joe|auth=Bearer t|"},
      {google, "user=joe|auth=Bearer t|||"},
      {google, "user=joe|auth=Bearer t||x"},
      {google, "user=joe|auth=Bearer t|x"},
      {google, "user=joe||auth=Bearer t||"},
      {google, "|user=joe|auth=Bearer t||"},
      {google, "user=joe|user=jane|auth=Bearer t||"},
      {google, "user=joe|auth=Bearer t|auth=Bearer u||"},
      {google, "user joe|auth=Bearer t||"},
      {google, "user=joe|=x|auth=Bearer t||"},
      {google, "user=joe|k2=x|auth=Bearer t||"},
      {google, "user=joe|k e=x|auth=Bearer t||"},
      {google, "user=joe|key|auth=Bearer t||"},
      {google, "user=joe|auth=Bearer t u||"},
      {google, "user=joe|auth=Bearer t=u||"},
      {google, "user=joe|auth=Bearer =||"},
      {google, "user=joe|auth=Bearer t\r\n||"},
      {google, "user=joe|auth=Bearer t\xff||"},
      {google, "user=joe|auth=Bearer t|key=\xff||"},
      {google, "user=joe|auth=Bearer t|key=\x7f||"},
      {google, std::string("user=joe|auth=Bearer t|key=\0||", 30)},
      {google, std::string("user=joe|auth=Bearer t\0||", 25)},
      {google, "n,a=joe,|auth=Bearer t||"},
      {rfc, ""},
      {rfc, "|"},
      {rfc, "n,,"},
      {rfc, "n,,|"},
      {rfc, "n,a=joe,auth=Bearer t||"},
      {rfc, "n,a=joe|auth=Bearer t||"},
      {rfc, "n,a=joe,||auth=Bearer t||"},
      {rfc, "n,a=joe,|auth=Bearer t|"},
      {rfc, "n,a=joe,|auth=Bearer t|||"},
      {rfc, "n,a=j=oe,|auth=Bearer t||"},
      {rfc, "p=tls-exporter,a=joe,|auth=Bearer t||"},
      {rfc, "x,a=joe,|auth=Bearer t||"},
      {rfc, "n,joe,|auth=Bearer t||"},
      {rfc, "user=joe|auth=Bearer t||"},
      {rfc, "n,a=joe,|auth=Bearer t|auth=Bearer t||"},
  };
  for (const auto& [mechanism, text] : bad) {
    const Result<OauthMessage> parsed = parse(mechanism, text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::protocol) << text;
  }
  std::string many = "user=joe|auth=Bearer t|";
  for (int i = 0; i < 17; ++i) many += "key=value|";
  EXPECT_FALSE(parse(google, many + "|"));
}

TEST(Oauth, RefusesWithoutNameOrToken) {
  const std::pair<Mechanism, std::string> bad[] = {
      {google, "|"},
      {google, "auth=Bearer t||"},
      {google, "user=|auth=Bearer t||"},
      {google, "user=joe||"},
      {google, "user=joe|auth=||"},
      {google, "user=joe|auth=Bearer ||"},
      {google, "user=joe|auth=Bearer    ||"},
      {google, "user=joe|auth=Bearer||"},
      {google, "user=joe|auth=Basic am9lOnNlY3JldA==||"},
      {google, "user=j\noe|auth=Bearer t||"},
      {google, "user=\xff|auth=Bearer t||"},
      {google, "user=" + std::string(1025, 'j') + "|auth=Bearer t||"},
      {rfc, "n,,|auth=Bearer t||"},
      {rfc, "n,a=,|auth=Bearer t||"},
      {rfc, "n,a=joe,||"},
      {rfc, "n,a=joe,|host=x||"},
      {rfc, "n,,|user=joe|auth=Bearer t||"},
  };
  for (const auto& [mechanism, text] : bad) {
    const Result<OauthMessage> parsed = parse(mechanism, text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::refused) << text;
  }
}

TEST(Oauth, NoticesAMessageThatStopsAnywhere) {
  const std::pair<Mechanism, std::string> whole[] = {
      {google, "user=joe|auth=Bearer t=||"},
      {rfc, "n,a=joe,|host=x|port=143|auth=Bearer t=||"},
  };
  for (const auto& [mechanism, text] : whole) {
    ASSERT_TRUE(parse(mechanism, text));
    for (size_t size = 0; size < text.size(); ++size) {
      EXPECT_FALSE(parse(mechanism, text.substr(0, size))) << text.substr(0, size);
      std::string nul = message(text);
      nul.insert(size, 1, '\0');
      EXPECT_FALSE(parse_oauth(mechanism, nul)) << size;
    }
  }
}

TEST(Oauth, PassesErrorChallengesOn) {
  const std::string good[] = {
      // RFC 7628, section 4.3, and Google's.
      "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRp"
      "b24iOiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0=",
      "eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIG1hYyIsInNjb3BlIjoiaHR0cHM6Ly9tYWlsLmdvb2dsZS5j"
      "b20vIn0K",
      base64_encode("{\"status\":\t\"\xc3\xb6\"}\r\n"),
  };
  for (const std::string& text : good) EXPECT_TRUE(check_error_challenge(text)) << text;
  const std::string bad[] = {"",
                             "{\"status\":\"401\"}",
                             "e30",
                             "e30=\r",
                             "e30= ",
                             " e30=",
                             "*",
                             base64_encode(std::string("{\0}", 3)),
                             base64_encode("{\x01}"),
                             base64_encode("{\xff}"),
                             base64_encode(std::string(7000, 'x'))};
  for (const std::string& text : bad) {
    const Result<> checked = check_error_challenge(text);
    ASSERT_FALSE(checked) << text;
    EXPECT_EQ(checked.error().code, Errc::protocol) << text;
  }
  EXPECT_EQ(error_answer(google), "");
  EXPECT_EQ(base64_decode(std::string(error_answer(rfc))).value(), "\x01");
}

TEST(Oauth, IsForTwoMechanisms) {
  EXPECT_DEATH((void)parse_oauth(Mechanism::plain, ""), "mechanism");
  EXPECT_DEATH((void)error_answer(Mechanism::external), "mechanism");
}

}  // namespace
}  // namespace openmmp::sasl
