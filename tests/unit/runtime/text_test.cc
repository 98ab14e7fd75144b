#include "ipc/runtime/text.h"

#include <gtest/gtest.h>

namespace openmmp {
namespace {

TEST(Text, ComparesLettersOfAsciiWithoutCase) {
  EXPECT_TRUE(equals_ignoring_case("LdapUrl", "LDAPURL"));
  EXPECT_FALSE(equals_ignoring_case("LdapUrl", "LdapUr"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
  EXPECT_FALSE(equals_ignoring_case("\xc4", "\xe4"));
  EXPECT_TRUE(starts_with_ignoring_case("LDIF:users", "ldif:"));
  EXPECT_FALSE(starts_with_ignoring_case("ldi", "ldif:"));
  EXPECT_EQ(lower_case("BGMax1"), "bgmax1");
}

TEST(Text, OneLineHasNoControlCharacters) {
  EXPECT_EQ(one_line("a\r\nb\tc\x7f"), "a  b c ");
  EXPECT_EQ(one_line("j\xc3\xb6rg"), "j\xc3\xb6rg");
}

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

}  // namespace
}  // namespace openmmp
