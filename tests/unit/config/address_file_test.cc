#include "config/address_file.h"

#include <gtest/gtest.h>

namespace openmmp::config {
namespace {

TEST(AddressFile, HasNetworksAndComments) {
  const auto networks = parse_address_file(
      "# never penalised\n"
      "10.0.0.0|255.0.0.0\r\n"
      "\n"
      "  192.0.2.0/24   # a net\n"
      "2001:db8::/32\n"
      "198.51.100.7");
  ASSERT_TRUE(networks);
  EXPECT_EQ(networks->to_string(), "10.0.0.0/8 192.0.2.0/24 2001:db8::/32 198.51.100.7");
  EXPECT_TRUE(parse_address_file("")->empty());
  EXPECT_TRUE(parse_address_file("# nothing")->empty());
}

TEST(AddressFile, RefusesWhatIsNoNetwork) {
  for (const char* text :
       {"host", "10.0.0.0/8\n10.0.0.0|255.0.255.0", "10.0.0.1/8", "10.", "1/2/3"}) {
    EXPECT_FALSE(parse_address_file(text)) << text;
  }
}

}  // namespace
}  // namespace openmmp::config
