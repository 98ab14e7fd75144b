#include "workers/sasl/credentials.h"

#include <gtest/gtest.h>

namespace openmmp::sasl {
namespace {

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

TEST(Credentials, BoundsANamesLength) {
  EXPECT_TRUE(check_name(std::string(1024, 'a')));
  const Result<> checked = check_name(std::string(1025, 'a'));
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Errc::refused);
}

}  // namespace
}  // namespace openmmp::sasl
