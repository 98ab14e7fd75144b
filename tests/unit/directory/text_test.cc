#include "workers/directory/text.h"

#include <gtest/gtest.h>

namespace openmmp::directory {
namespace {

TEST(Text, FoldMakesEqualWhatLdapTakesAsEqual) {
  const struct {
    const char* value;
    const char* folded;
  } cases[] = {
      {"", ""},
      {"Joe", "joe"},
      {"  Joe   User  ", "joe user"},
      {" ", " "},
      {"    ", " "},
      {"tab\tstays", "tab\tstays"},
      {"\xC3\x89milie \xC3\xB7 \xC3\x97", "\xC3\xA9milie \xC3\xB7 \xC3\x97"},
      {"\xCE\xA9\xD0\x96\xD0\x81", "\xCF\x89\xD0\xB6\xD1\x91"},
      {"\xC3", "\xC3"},          // cut off
      {"\xC3(", "\xC3("},        // not a continuation
      {"\xFF\x80", "\xFF\x80"},  // no UTF-8 at all
  };
  for (const auto& c : cases) EXPECT_EQ(fold(c.value), c.folded) << c.value;
}

TEST(Text, PieceKeepsBlanksWhereTheValueGoesOn) {
  EXPECT_EQ(fold_piece(" A  b ", true, false), "a b ");
  EXPECT_EQ(fold_piece(" A  b ", false, true), " a b");
  EXPECT_EQ(fold_piece(" A  b ", false, false), " a b ");
  EXPECT_EQ(fold_piece("   ", false, false), " ");
}

TEST(Text, Utf8IsStrict) {
  const struct {
    std::string text;
    bool good;
  } cases[] = {
      {"", true},
      {"joe", true},
      {"\xC3\xA9", true},
      {"\xE2\x82\xAC", true},
      {"\xF0\x9F\x98\x80", true},
      {std::string("\0", 1), true},
      {"\x80", false},
      {"\xC3", false},
      {"\xC0\xAF", false},          // overlong '/'
      {"\xC1\xBF", false},          // overlong
      {"\xE0\x80\xAF", false},      // overlong
      {"\xF0\x80\x80\xAF", false},  // overlong
      {"\xED\xA0\x80", false},      // surrogate
      {"\xED\xBF\xBF", false},      // surrogate
      {"\xF4\x90\x80\x80", false},  // above U+10FFFF
      {"\xF8\x88\x80\x80\x80", false},
      {"\xE2\x82", false},
      {"\xE2\x28\xA1", false},
      {"\xFF", false},
  };
  for (const auto& c : cases) EXPECT_EQ(is_utf8(c.text), c.good) << testing::PrintToString(c.text);
}

}  // namespace
}  // namespace openmmp::directory
