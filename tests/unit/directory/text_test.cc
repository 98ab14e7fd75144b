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

}  // namespace
}  // namespace openmmp::directory
