#include "workers/smtp/reply.h"

#include <gtest/gtest.h>

namespace openmmp::smtp {
namespace {

using namespace std::literals;

TEST(SmtpReply, IsFoundAtTheBeginning) {
  struct Case {
    std::string_view bytes;
    int code;
    size_t size;
    std::string_view last;
  };
  const Case cases[] = {
      {"250 ok\r\n", 250, 8, "250 ok"},
      {"250\r\n", 250, 5, "250"},
      {"250 \r\n", 250, 6, "250 "},
      {"220-a\r\n220 b\r\n", 220, 14, "220 b"},
      {"250-\r\n250-b\r\n250\r\n", 250, 18, "250"},
      {"250 ok\r\n354 go\r\n", 250, 8, "250 ok"},
      {"250 ok\r\nnonsense", 250, 8, "250 ok"},
      {"250 a-b\r\n250 c\r\n", 250, 9, "250 a-b"},
      {"559 x\r\n", 559, 7, "559 x"},
      {"334 VXNlcm5hbWU6\r\n", 334, 18, "334 VXNlcm5hbWU6"},
      {"550 5.1.1 gr\xc3\xbc\xc3\x9f\x65\tdich\r\n", 550, 24,
       "550 5.1.1 gr\xc3\xbc\xc3\x9f\x65\tdich"},
  };
  for (const Case& c : cases) {
    const auto found = find_reply(c.bytes);
    ASSERT_TRUE(found && *found) << c.bytes;
    EXPECT_EQ((*found)->code, c.code);
    EXPECT_EQ((*found)->text, c.bytes.substr(0, c.size));
    EXPECT_EQ((*found)->text.data(), c.bytes.data());
    EXPECT_EQ(last_line(**found), c.last);
    // It is not there before its last byte is.
    for (size_t size = 0; size < c.size; ++size) {
      const auto early = find_reply(c.bytes.substr(0, size));
      ASSERT_TRUE(early) << c.bytes << " " << size;
      EXPECT_FALSE(*early) << c.bytes << " " << size;
    }
  }
}

TEST(SmtpReply, IsNoneWhenItCanBeReadInTwoWays) {
  const std::string_view cases[] = {
      "250 ok\n",
      "\r\n",
      "\n",
      "25\r\n",
      "2500 ok\r\n",
      "250ok\r\n",
      "250\tok\r\n",
      "199 ok\r\n",
      "600 ok\r\n",
      "260 ok\r\n",
      "599 ok\r\n",
      "ok\r\n",
      "+OK\r\n",
      " 250 ok\r\n",
      "-250 ok\r\n",
      "250-a\r\n251 b\r\n",
      "250-a\r\nb\r\n",
      "250-a\r\n\r\n",
      "250-a\n250 b\r\n",
      "250 a\r250 b\r\n",
      "250 a\r\r\n",
      "250 a\0b\r\n"sv,
      "250 a\x1b[31m\r\n",
      "250 a\x7f\r\n",
      // Known before the line is whole.
      "H",
      "25x",
      "250:",
      "250-a\r\n2a",
  };
  for (const std::string_view bytes : cases) {
    const auto found = find_reply(bytes);
    ASSERT_FALSE(found) << bytes;
    EXPECT_EQ(found.error().code, Errc::protocol) << bytes;
    EXPECT_FALSE(found.error().detail.empty());
  }
}

TEST(SmtpReply, HasALimit) {
  std::string lines;
  while (lines.size() + 20 < longest_reply) lines += "250-more\r\n";
  EXPECT_TRUE(find_reply(lines));
  const std::string last = "250 " + std::string(longest_reply - lines.size() - 6, 'x') + "\r\n";
  const std::string whole = lines + last;
  ASSERT_EQ(whole.size(), longest_reply);
  const auto found = find_reply(whole);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->text.size(), longest_reply);
  const auto longer = find_reply(lines + "250-" + last);
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code, Errc::limit);
  const auto endless = find_reply("250 " + std::string(longest_reply, 'x'));
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().code, Errc::limit);
}

TEST(SmtpReply, KnowsItsKind) {
  EXPECT_TRUE((Reply{250, {}}).is_positive());
  EXPECT_TRUE((Reply{354, {}}).is_positive());
  EXPECT_FALSE((Reply{400, {}}).is_positive());
  EXPECT_TRUE((Reply{451, {}}).is_transient());
  EXPECT_FALSE((Reply{550, {}}).is_transient());
}

}  // namespace
}  // namespace openmmp::smtp
