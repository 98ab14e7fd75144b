#include "workers/directory/text.h"

#include <gtest/gtest.h>

#include "ipc/runtime/text.h"

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

TEST(Text, FilterEscaped) {
  EXPECT_EQ(filter_escaped("joe@example.com"), "joe@example.com");
  EXPECT_EQ(filter_escaped("*()\\"), "\\2a\\28\\29\\5c");
  EXPECT_EQ(filter_escaped(std::string("a\0\r\n\x7f", 5)), "a\\00\\0d\\0a\\7f");
  EXPECT_EQ(filter_escaped("caf\xc3\xa9"), "caf\xc3\xa9");
}

}  // namespace
}  // namespace openmmp::directory
