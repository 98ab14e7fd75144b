#include "workers/sasl/base64.h"

#include <gtest/gtest.h>

namespace openmmp::sasl {
namespace {

struct Case {
  std::string bytes;
  std::string text;
};

// The first seven are the test vectors of RFC 4648, section 10.
const Case cases[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {std::string("\0\0\0", 3), "AAAA"},
    {"\xff\xff\xff", "////"},
    {"\xfb\xef\xbe", "++++"},
    {std::string("\0joe\0secret", 11), "AGpvZQBzZWNyZXQ="},
};

TEST(Base64, EncodesAndDecodes) {
  for (const Case& c : cases) {
    EXPECT_EQ(base64_encode(c.bytes), c.text);
    ASSERT_TRUE(base64_decode(c.text)) << c.text;
    EXPECT_EQ(*base64_decode(c.text), c.bytes);
  }
}

TEST(Base64, TakesBackEveryByteAtEveryPosition) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const char* around : {"", "a", "ab", "abc"}) {
      const std::string bytes = around + std::string(1, static_cast<char>(byte)) + around;
      ASSERT_EQ(base64_decode(base64_encode(bytes)).value_or("failed"), bytes);
    }
  }
}

TEST(Base64, RefusesWhatRfc4648DoesNotAllow) {
  const std::string bad[] = {
      "A",
      "AA",
      "AAA",
      "AAAAA",  // lengths
      "=",
      "====",
      "A===",
      "AA=A",  // padding in wrong places
      "=AAA",
      "AAAA====",
      "AA==AAAA",
      "Zg=",  //
      "AA A",
      "AAA\n",
      "AAA\r",
      " AAA",  // blanks and line ends
      "AA-_",
      "AA,A",
      "AA*A",
      "AA\x80\xff",  // other alphabets
      "Zh==",
      "Zm9=",
      "AB==",
      "AAB=",  // bits behind the last byte
      std::string("AA\0A", 4),
      "*",
  };
  for (const std::string& text : bad) {
    const Result<std::string> decoded = base64_decode(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, Errc::protocol);
  }
}

TEST(Base64, RefusesEveryCharacterOutsideTheAlphabet) {
  const std::string alphabet = base64_encode(
      *base64_decode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"));
  for (int c = 0; c < 256; ++c) {
    const char character = static_cast<char>(c);
    const bool good = alphabet.find(character) != alphabet.npos;
    EXPECT_EQ(base64_decode(std::string("AA") + character + "A").has_value(), good) << c;
  }
}

TEST(Base64, DecodesTheAnswerToAChallenge) {
  struct Response {
    const char* text;
    const char* bytes;  // null: an error
  };
  const Response responses[] = {
      {"", ""},        {"Zm9v", "foo"},  {"Zm9vYg==", "foob"}, {"=", nullptr},
      {"==", nullptr}, {"Zm9", nullptr}, {"*", nullptr},
  };
  for (const Response& c : responses) {
    const Result<Secret> bytes = decode_response(c.text);
    ASSERT_EQ(bytes.has_value(), c.bytes != nullptr) << c.text;
    if (bytes) {
      EXPECT_EQ(bytes->reveal(), c.bytes);
    }
  }
}

}  // namespace
}  // namespace openmmp::sasl
