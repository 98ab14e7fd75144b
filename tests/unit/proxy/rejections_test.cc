#include "workers/proxy/rejections.h"

#include <gtest/gtest.h>

namespace openmmp::proxy {
namespace {

using namespace std::chrono_literals;

TEST(Rejections, CountEachClientApart) {
  Rejections rejections;
  for (int n = 1; n <= 5; ++n) EXPECT_EQ(rejections.count("address 192.0.2.1", Millis(n)), n);
  EXPECT_EQ(rejections.count("address 192.0.2.2", Millis(6)), 1);
  EXPECT_EQ(rejections.count("address 192.0.2.1", Millis(7)), 6);
}

TEST(Rejections, AreForgottenAWhileAfterTheFirst) {
  Rejections rejections;
  EXPECT_EQ(rejections.count("a", 100s), 1);
  EXPECT_EQ(rejections.count("a", 100s + Rejections::memory - 1ms), 2);
  EXPECT_EQ(rejections.count("a", 100s + Rejections::memory), 1);
  EXPECT_EQ(rejections.count("b", 100s + Rejections::memory), 1);
}

TEST(Rejections, OfMoreClientsThanThereIsRoomForBeginAnew) {
  Rejections rejections;
  EXPECT_EQ(rejections.count("first", 1s), 1);
  for (size_t n = 1; n < Rejections::most_clients; ++n) rejections.count(std::to_string(n), 1s);
  EXPECT_EQ(rejections.count("one more", 1s), 1);
  EXPECT_EQ(rejections.count("first", 1s), 1);  // again
  EXPECT_EQ(rejections.count("first", 1s), 2);
}

}  // namespace
}  // namespace openmmp::proxy
