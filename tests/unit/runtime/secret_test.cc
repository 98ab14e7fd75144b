#include "ipc/runtime/secret.h"

#include <gtest/gtest.h>

namespace openmmp {
namespace {

TEST(Secret, ComparesWithoutGivingItselfAway) {
  const Secret secret("correct horse");
  EXPECT_TRUE(secret.equals("correct horse"));
  EXPECT_FALSE(secret.equals("correct hors"));
  EXPECT_FALSE(secret.equals("correct horsf"));
  EXPECT_FALSE(secret.equals("correct horse "));
  EXPECT_FALSE(secret.equals(""));
  EXPECT_TRUE(Secret().equals(""));
}

TEST(Secret, AMovedFromSecretIsEmpty) {
  // Short enough for the string's own bytes, which a move copies.
  Secret first("short");
  const Secret second(std::move(first));
  EXPECT_TRUE(first.empty());  // NOLINT: what is left behind is the point
  EXPECT_EQ(second.reveal(), "short");
}

TEST(Wipe, LeavesNothingInTheCapacity) {
  std::string text = "a password that is longer than a short string";
  text.reserve(100);
  const char* bytes = text.data();
  wipe(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(text.data(), bytes);
  for (size_t i = 0; i < text.capacity(); ++i) ASSERT_EQ(bytes[i], '\0') << i;
}

}  // namespace
}  // namespace openmmp
