#include "workers/proxy/line_buffer.h"

#include <gtest/gtest.h>

#include <vector>

namespace openmmp::proxy {
namespace {

std::vector<std::string> lines_of(LineBuffer& buffer, size_t limit) {
  std::vector<std::string> lines;
  for (;;) {
    Result<std::optional<std::string>> line = buffer.next_line(limit);
    if (!line) {
      lines.push_back("error");
      return lines;
    }
    if (!*line) return lines;
    lines.push_back(**line);
  }
}

using Lines = std::vector<std::string>;

TEST(LineBuffer, SplitsWhateverTheSegments) {
  const std::string input = "a1 NOOP\r\nbare\nlone\rcr\r\n\r\nrest";
  for (size_t step = 1; step <= input.size(); ++step) {
    LineBuffer buffer;
    Lines lines;
    for (size_t at = 0; at < input.size(); at += step) {
      buffer.append(input.substr(at, step));
      for (std::string& line : lines_of(buffer, 100)) lines.push_back(std::move(line));
    }
    EXPECT_EQ(lines, (Lines{"a1 NOOP", "bare", "lone\rcr", ""})) << "segments of " << step;
    EXPECT_EQ(buffer.take_all(), "rest");
    EXPECT_TRUE(buffer.empty());
  }
}

TEST(LineBuffer, TheLimitCountsTheLineWithoutItsEnd) {
  LineBuffer exact;
  exact.append("12345\r\n12345\n");
  EXPECT_EQ(lines_of(exact, 5), (Lines{"12345", "12345"}));
  LineBuffer over;
  over.append("123456\r\n");
  EXPECT_EQ(lines_of(over, 5), (Lines{"error"}));
  LineBuffer endless;
  endless.append("12345");
  EXPECT_EQ(lines_of(endless, 5), Lines());
  endless.append("\r");
  EXPECT_EQ(lines_of(endless, 5), Lines());
  endless.append("6");
  EXPECT_EQ(lines_of(endless, 5), (Lines{"error"}));
}

TEST(LineBuffer, CountedBytesMayHoldAnything) {
  LineBuffer buffer;
  buffer.append(
      std::string_view("line\r\n\0\r\n\xff"
                       "tail\r\n",
                       16));
  EXPECT_EQ(lines_of(buffer, 4).front(), "line");
  LineBuffer other;
  other.append(std::string_view("\0\r\n\xfftail\r\n", 10));
  EXPECT_EQ(other.next_bytes(11), std::nullopt);
  EXPECT_EQ(*other.next_bytes(4), std::string_view("\0\r\n\xff", 4));
  EXPECT_EQ(lines_of(other, 100), (Lines{"tail"}));
  EXPECT_EQ(*other.next_bytes(0), "");
}

TEST(LineBuffer, GrowsOverManyAppendsWithoutLosingAByte) {
  LineBuffer buffer;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string piece = std::to_string(i) + "\n";
    buffer.append(piece);
    expected += piece;
    if (i % 3 == 0) {
      const std::string line = **buffer.next_line(10);
      EXPECT_EQ(expected.substr(0, line.size() + 1), line + "\n");
      expected.erase(0, line.size() + 1);
    }
  }
  EXPECT_EQ(buffer.take_all(), expected);
}

TEST(LineBuffer, TakesALongLineByteByByte) {
  // Copying all of it for each byte would take minutes.
  constexpr size_t length = size_t{1} << 21;
  LineBuffer buffer;
  for (size_t i = 0; i < length; ++i) {
    buffer.append("x");
    ASSERT_FALSE(*buffer.next_line(length));
  }
  buffer.append("\r\n");
  EXPECT_EQ((*buffer.next_line(length))->size(), length);
}

TEST(LineBuffer, DiscardsWhatIsLeft) {
  LineBuffer buffer;
  buffer.append("line\nsecret");
  EXPECT_EQ(**buffer.next_line(10), "line");
  buffer.discard();
  EXPECT_TRUE(buffer.empty());
  buffer.append("next\n");
  EXPECT_EQ(**buffer.next_line(10), "next");
}

}  // namespace
}  // namespace openmmp::proxy
