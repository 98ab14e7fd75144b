#include "config/conn_limits.h"

#include <gtest/gtest.h>

namespace openmmp::config {
namespace {

constexpr int none = -1;

int limit_of(std::string_view text, std::string_view client) {
  const auto limits = ConnLimits::parse(text);
  EXPECT_TRUE(limits) << text << ": " << limits.error().detail;
  return limits ? limits->limit_of(*SocketAddress::parse(client, 0)).value_or(none) : -2;
}

TEST(ConnLimits, TheFirstEntryCounts) {
  const struct {
    std::string_view text;
    std::string_view client;
    int limit;
  } cases[] = {
      {"", "192.0.2.1", none},
      {"0.0.0.0|0.0.0.0:20", "192.0.2.1", 20},
      {"0.0.0.0|0.0.0.0:20", "2001:db8::1", 20},
      {"0.0.0.0/0:20", "2001:db8::1", 20},
      {":20", "192.0.2.1", 20},
      {":20", "2001:db8::1", 20},
      {"10.0.0.0|255.0.0.0:0", "10.200.1.1", 0},
      {"10.0.0.0|255.0.0.0:0", "11.0.0.1", none},
      {"10.0.0.7|255.0.0.0:5", "10.9.9.9", 5},
      {"10.0.0.0|255.0.0.0:5,:20", "10.1.1.1", 5},
      {"10.0.0.0|255.0.0.0:5,:20", "12.1.1.1", 20},
      {":20,10.0.0.0|255.0.0.0:5", "10.1.1.1", 20},
      {" 10.0.0.0|255.0.0.0:5 , :20 ,", "10.1.1.1", 5},
      {"10.1.2.3:7", "10.1.2.3", 7},
      {"10.1.2.3:7", "10.1.2.4", none},
      {"10.0.0.0/8:7", "::ffff:10.1.2.4", 7},
      {"2001:db8::/32:3", "2001:db8:1::1", 3},
      {"2001:db8::/32:3", "2001:db9::1", none},
      {"2001:db8::|ffff:ffff:::3", "2001:db8:1::1", 3},
      {"[2001:db8::1]:4", "2001:db8::1", 4},
      {"[2001:db8::1]:4", "2001:db8::2", none},
      {"[2001:db8::]/32:4", "2001:db8::2", 4},
      {"::/0:4,0.0.0.0|0.0.0.0:9", "2001:db8::2", 4},
      {"::/0:4,0.0.0.0|0.0.0.0:9", "192.0.2.2", 9},
      {"# ours\n10.0.0.0/8:100 # offices\r\n\n:20\n", "10.1.1.1", 100},
      {"# ours\n10.0.0.0/8:100 # offices\r\n\n:20\n", "11.1.1.1", 20},
      {"#:20", "11.1.1.1", none},
      {":1000000", "11.1.1.1", 1000000},
  };
  for (const auto& [text, client, limit] : cases) {
    EXPECT_EQ(limit_of(text, client), limit) << text << " " << client;
  }
}

TEST(ConnLimits, SaysWhatIsNoEntry) {
  const struct {
    std::string_view text;
    std::string_view why;
  } cases[] = {
      {"10.0.0.0|255.0.0.0", "has no ':'"},
      {"10.0.0.0|255.0.0.0:", "has no number"},
      {"10.0.0.0|255.0.0.0:-1", "has no number"},
      {"10.0.0.0|255.0.0.0:1000001", "has no number"},
      {"10.0.0.0|255.0.0.0:99999999999", "has no number"},
      {"10.0.0.0|255.0.0.0:5x", "has no number"},
      {"10.0.0.0|255.0.255.0:5", "does not begin with a network"},
      {"10.0.0.0|ffff:::5", "does not begin with a network"},
      {"10.0.0.1/8:5", "does not begin with a network"},
      {"host:5", "does not begin with a network"},
      {"[2001:db8::1:5", "does not begin with a network"},
      {"2001:db8::1:5", "without /BITS or brackets"},
      {":20,x", "'x' has no ':'"},
      {std::string_view("10.0.0.0/8\0:5", 13), "does not begin with a network"},
  };
  for (const auto& [text, why] : cases) {
    const auto limits = ConnLimits::parse(text);
    ASSERT_FALSE(limits) << text;
    EXPECT_EQ(limits.error().code, Errc::protocol);
    EXPECT_NE(limits.error().detail.find(why), std::string::npos) << limits.error().detail;
    EXPECT_NE(limits.error().detail.find("accepted: IP|MASK:NUMBER"), std::string::npos);
  }
}

TEST(ConnLimits, AreBounded) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += ":1,";
  EXPECT_TRUE(ConnLimits::parse(text));
  EXPECT_FALSE(ConnLimits::parse(text + ":1"));
  EXPECT_LT(ConnLimits::parse(std::string(100000, 'x')).error().detail.size(), 300U);
}

TEST(ConnLimits, ListsAndFilesAreToldApart) {
  const struct {
    std::string_view value;
    bool is_file;
  } cases[] = {
      {"", false},
      {"0.0.0.0|0.0.0.0:20", false},
      {":20", false},
      {"config/limits.cfg", true},
      {"/etc/mmp:2/limits", true},
      {"./a:b", true},
      {"../a:b", true},
      {"10.0.0.0|255.0.0.0", true},
  };
  for (const auto& [value, is_file] : cases) {
    EXPECT_EQ(names_file_of_conn_limits(value), is_file) << value;
  }
}

}  // namespace
}  // namespace openmmp::config
