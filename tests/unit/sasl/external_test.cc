#include "workers/sasl/external.h"

#include <gtest/gtest.h>

namespace openmmp::sasl {
namespace {

TEST(External, TakesAnAuthzidOrNone) {
  for (const char* text : {"", "joe", "joe@example.com", "j\xc3\xb6rg", "a b", "a,b=c"}) {
    EXPECT_EQ(parse_external(text).value_or("failed"), text);
  }
}

TEST(External, RefusesWhatIsNoName) {
  const std::string bad[] = {std::string("\0", 1),    std::string("joe\0", 4),
                             std::string("\0joe", 4), "joe\n",
                             "joe\r\na1 LOGIN",       "j\xf6rg",
                             "\xed\xa0\x80",          "\x7f",
                             std::string(1025, 'a')};
  for (const std::string& text : bad) {
    const Result<std::string> authzid = parse_external(text);
    ASSERT_FALSE(authzid) << text;
    EXPECT_EQ(authzid.error().code, Errc::refused) << text;
  }
}

}  // namespace
}  // namespace openmmp::sasl
