#include "workers/sasl/plain.h"

#include <gtest/gtest.h>

#include "workers/sasl/base64.h"

namespace openmmp::sasl {
namespace {

// "|" stands for NUL.
std::string message(std::string text) {
  for (char& c : text) c = c == '|' ? '\0' : c;
  return text;
}

// The text as a client sends it, decoded and taken apart.
Result<PlainMessage> plain_step(std::string_view base64) {
  const Result<Secret> text = decode_response(base64);
  if (!text) return fail(Error(text.error()));
  return parse_plain(text->reveal());
}

TEST(Plain, TakesAMessageApart) {
  const Result<PlainMessage> plain = parse_plain(message("|joe|secret"));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->authzid, "");
  EXPECT_EQ(plain->authcid, "joe");
  EXPECT_EQ(plain->password.reveal(), "secret");

  const Result<PlainMessage> proxied = parse_plain(message("jane|admin|a b"));
  ASSERT_TRUE(proxied);
  EXPECT_EQ(proxied->authzid, "jane");
  EXPECT_EQ(proxied->authcid, "admin");
  EXPECT_EQ(proxied->password.reveal(), "a b");
}

TEST(Plain, RefusesMalformedMessages) {
  for (const char* text : {"", "|", "joe", "joe|secret", "secret"}) {
    const Result<PlainMessage> plain = parse_plain(message(text));
    ASSERT_FALSE(plain) << text;
    EXPECT_EQ(plain.error().code, Errc::protocol) << text;
  }
}

TEST(Plain, RefusesImpossibleCredentials) {
  for (const char* text :
       {"||", "||secret", "|joe|", "|joe|secret|", "|joe|se|cret", "|j\roe|x", "|joe|a\nb",
        "|j\xf6rg|secret", "j\nane|joe|secret", "\xff|joe|secret", "jane||secret", "jane|joe|"}) {
    const Result<PlainMessage> plain = parse_plain(message(text));
    ASSERT_FALSE(plain) << text;
    EXPECT_EQ(plain.error().code, Errc::refused) << text;
  }
}

TEST(Plain, StepRefusesWhatIsNotBase64) {
  for (const char* text : {"*", "=", "AGpvZQBzZWNyZXQ", "AGpvZ QBzZWNyZXQ=", "\x80"}) {
    const Result<PlainMessage> plain = plain_step(text);
    ASSERT_FALSE(plain) << text;
    EXPECT_EQ(plain.error().code, Errc::protocol) << text;
  }
}

// What a store is sent is what the client gave, whatever the length.
TEST(Plain, ResponseComesBackWhole) {
  for (size_t length = 1; length < 70; ++length) {
    const std::string user(length, 'u');
    const std::string password(70 - length, 'p');
    const Result<PlainMessage> plain = plain_step(plain_response(user, password));
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->authcid, user);
    EXPECT_EQ(plain->password.reveal(), password);
  }
}

// The administrator of a store on behalf of a user.
TEST(Plain, ResponseForAnotherComesBackWhole) {
  const std::string text = plain_response("joe@example.com", "admin", "s e c");
  EXPECT_EQ(base64_decode(text).value(), message("joe@example.com|admin|s e c"));
  const Result<PlainMessage> plain = parse_plain(base64_decode(text).value());
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->authzid, "joe@example.com");
  EXPECT_EQ(plain->authcid, "admin");
  EXPECT_EQ(plain->password.reveal(), "s e c");
  EXPECT_EQ(plain_response("", "joe", "secret"), plain_response("joe", "secret"));
}

// Base64 of zero and odd lengths, and what a decoder that guesses would make of it.
TEST(Plain, StepTakesNoBrokenBase64) {
  const std::string whole = plain_response("joe", "secret");
  for (size_t size = 0; size < whole.size(); ++size) {
    // At whole groups it is a message again, with a shorter password: only the line's end tells.
    EXPECT_EQ(plain_step(whole.substr(0, size)).has_value(), size == 8 || size == 12) << size;
    EXPECT_FALSE(plain_step(whole.substr(0, size) + std::string(1, '\0') + whole.substr(size)));
    EXPECT_FALSE(plain_step(whole.substr(size + 1))) << size;
  }
}

}  // namespace
}  // namespace openmmp::sasl
