#include "workers/sasl/credentials.h"

#include <gtest/gtest.h>

namespace openmmp::sasl {
namespace {

TEST(Utf8, TakesWellFormedText) {
  const std::string_view good[] = {
      "",         "joe",          "j\xc3\xb6rg",      "\xe2\x82\xac",     "\xf0\x9f\x93\xa7",
      "\xc2\x80", "\xe0\xa0\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf",
  };
  for (const std::string_view text : good) EXPECT_TRUE(is_utf8(text)) << text;
}

TEST(Utf8, RefusesMalformedText) {
  const std::string_view bad[] = {
      "j\xf6rg",               // Latin-1
      "\x80",                  // a continuation alone
      "\xc3",                  // cut off
      "\xe2\x82",              //
      "\xf0\x9f\x93",          //
      "\xc3\x28",              // no continuation
      "\xc0\xaf",              // overlong "/"
      "\xc1\x81",              //
      "\xe0\x80\xaf",          //
      "\xf0\x80\x80\xaf",      //
      "\xed\xa0\x80",          // surrogates
      "\xed\xbf\xbf",          //
      "\xf4\x90\x80\x80",      // past the last code point
      "\xf8\x88\x80\x80\x80",  // five bytes
      "\xff\xfe",
  };
  for (const std::string_view text : bad) EXPECT_FALSE(is_utf8(text)) << text;
}

TEST(Credentials, TakesWhatAMailProtocolCanCarry) {
  const std::pair<std::string_view, std::string_view> good[] = {
      {"joe", "secret"},      {"joe@example.com", "with blank "},
      {"joe smith", "\ttab"}, {"j\xc3\xb6rg", "gr\xfcn"},
      {"*()\\", "\"\\{5}"},   {"%n%s", "%n%s"},
  };
  for (const auto& [user, password] : good) {
    EXPECT_TRUE(check_credentials(user, password)) << user;
  }
}

TEST(Credentials, RefusesTheRest) {
  const std::pair<std::string_view, std::string_view> bad[] = {
      {"", "secret"},
      {"joe", ""},
      {"joe\n", "secret"},
      {"joe\r", "secret"},
      {"j\toe", "secret"},
      {"joe\x7f", "secret"},
      {"j\xf6rg", "secret"},
      {std::string_view("j\0e", 3), "secret"},
      {"joe", "a\rb"},
      {"joe", "a\nb"},
      {"joe", std::string_view("a\0b", 3)},
  };
  for (const auto& [user, password] : bad) {
    const Result<> checked = check_credentials(user, password);
    ASSERT_FALSE(checked) << user << ' ' << password;
    EXPECT_EQ(checked.error().code, Errc::refused);
  }
}

}  // namespace
}  // namespace openmmp::sasl
