#include "ipc/runtime/gathering.h"

#include <gtest/gtest.h>

namespace openmmp {
namespace {

using namespace std::chrono_literals;

constexpr Gathering::Time start = 1h;

// Looks again and again, each time with so many events; returns the pause right after the last.
Gathering::Time pause_after(Gathering& gathering, int looks, size_t found) {
  for (int i = 0; i < looks; ++i) gathering.looked(start, found);
  return gathering.pause(start);
}

TEST(Gathering, NeverHoldsUpASessionThatIsAlone) {
  Gathering gathering;
  EXPECT_EQ(gathering.pause(start), 0us);
  for (const size_t found : {0u, 1u, 2u}) EXPECT_EQ(pause_after(gathering, 10'000, found), 0us);
}

TEST(Gathering, PausesWhileSeveralSocketsAreBusy) {
  Gathering gathering;
  EXPECT_EQ(pause_after(gathering, 1, 6), 0us);  // once is no habit
  EXPECT_EQ(pause_after(gathering, 30, 6), Gathering::interval);
  EXPECT_EQ(pause_after(gathering, 30, Gathering::several), Gathering::interval);
}

TEST(Gathering, EndsSoonAfterTheLoad) {
  Gathering gathering;
  EXPECT_EQ(pause_after(gathering, 1000, 256), Gathering::interval);
  EXPECT_EQ(pause_after(gathering, 100, 1), 0us);
}

TEST(Gathering, CountsTheTurnItself) {
  Gathering gathering;
  ASSERT_EQ(pause_after(gathering, 100, 10), Gathering::interval);
  EXPECT_EQ(gathering.pause(start + 30us), 70us);
  EXPECT_EQ(gathering.pause(start + 80us), 20us);
  EXPECT_EQ(gathering.pause(start + 81us), 0us);
  EXPECT_EQ(gathering.pause(start + 5s), 0us);
}

}  // namespace
}  // namespace openmmp
