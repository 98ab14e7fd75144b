#include "workers/state/seat_register.h"

#include <gtest/gtest.h>

#include <map>

namespace openmmp::state {
namespace {

using LinkId = SeatRegister::LinkId;
constexpr LinkId one{1};
constexpr LinkId two{2};

std::map<std::string, uint32_t> changes(SeatRegister& seats, const std::string& service = "imap") {
  std::map<std::string, uint32_t> result;
  for (const SeatRegister::Count& count : seats.take_changes(service)) {
    result[count.key] = count.count;
  }
  return result;
}

using Changes = std::map<std::string, uint32_t>;

TEST(SeatRegister, TheLimitHoldsOverAllWorkersOfAService) {
  SeatRegister seats;
  seats.join(one, "imap");
  seats.join(two, "imap");
  EXPECT_TRUE(*seats.take(one, 1, "k", 2, false));
  EXPECT_TRUE(*seats.take(two, 1, "k", 2, false));
  EXPECT_FALSE(*seats.take(one, 2, "k", 2, false));
  EXPECT_TRUE(*seats.take(one, 3, "another", 2, false));
  seats.give_back(one, 2);  // which was refused: nothing happens
  EXPECT_FALSE(*seats.take(one, 4, "k", 2, false));
  seats.give_back(one, 1);
  EXPECT_TRUE(*seats.take(two, 5, "k", 2, false));
  EXPECT_EQ(seats.seats_of(one), 1u);
  EXPECT_EQ(seats.seats_of(two), 2u);
}

TEST(SeatRegister, ServicesCountApart) {
  SeatRegister seats;
  seats.join(one, "imap");
  seats.join(two, "pop");
  EXPECT_TRUE(*seats.take(one, 1, "k", 1, false));
  EXPECT_TRUE(*seats.take(two, 1, "k", 1, false));
}

TEST(SeatRegister, WhatWasHeldIsNeverRefusedAndCounts) {
  SeatRegister seats;
  seats.join(one, "imap");
  for (uint64_t seat = 1; seat <= 3; ++seat) EXPECT_TRUE(*seats.take(one, seat, "k", 2, true));
  seats.give_back(one, 1);
  EXPECT_FALSE(*seats.take(one, 4, "k", 2, false));
  seats.give_back(one, 2);
  EXPECT_TRUE(*seats.take(one, 5, "k", 2, false));
}

TEST(SeatRegister, AWorkerThatIsGoneLeavesItsSeats) {
  SeatRegister seats;
  seats.join(one, "imap");
  seats.join(two, "imap");
  EXPECT_TRUE(*seats.take(one, 1, "k", 1, false));
  EXPECT_FALSE(*seats.take(two, 1, "k", 1, false));
  seats.leave(one);
  seats.leave(one);
  EXPECT_TRUE(*seats.take(two, 2, "k", 1, false));
  EXPECT_EQ(seats.seats_of(one), 0u);
}

TEST(SeatRegister, CountsAreToldFromHalfOfTheLimitOn) {
  SeatRegister seats;
  seats.join(one, "imap");
  EXPECT_TRUE(*seats.take(one, 1, "k", 4, false));
  EXPECT_EQ(changes(seats), Changes());
  EXPECT_TRUE(*seats.take(one, 2, "k", 4, false));
  EXPECT_EQ(changes(seats), (Changes{{"k", 2}}));
  EXPECT_EQ(changes(seats), Changes());
  EXPECT_TRUE(*seats.take(one, 3, "k", 4, false));
  EXPECT_EQ(seats.watched("imap").size(), 1u);
  EXPECT_TRUE(seats.watched("pop").empty());
  seats.give_back(one, 1);
  seats.give_back(one, 2);
  EXPECT_EQ(changes(seats), (Changes{{"k", 0}}));
  seats.give_back(one, 3);
  EXPECT_EQ(changes(seats), Changes());
  EXPECT_TRUE(seats.watched("imap").empty());
  // Below, above and below again between two tellings: nothing to say.
  EXPECT_TRUE(*seats.take(one, 4, "k", 1, false));
  seats.give_back(one, 4);
  EXPECT_EQ(changes(seats), Changes());
}

TEST(SeatRegister, WhatNoWorkerWouldSay) {
  SeatRegister seats;
  seats.join(one, "imap");
  EXPECT_TRUE(*seats.take(one, 1, "k", 4, false));
  EXPECT_EQ(seats.take(one, 1, "k", 4, false).error().code, Errc::protocol);
  EXPECT_EQ(seats.take(one, 2, "", 4, false).error().code, Errc::protocol);
  const std::string longest(SeatRegister::max_key, 'x');
  EXPECT_TRUE(*seats.take(one, 2, longest, 4, false));
  EXPECT_EQ(seats.take(one, 3, longest + "x", 4, false).error().code, Errc::protocol);
  EXPECT_FALSE(*seats.take(one, 3, "none allowed", 0, false));
  for (uint64_t seat = 3; seat <= SeatRegister::max_seats; ++seat) {
    ASSERT_TRUE(*seats.take(one, seat, "many", 1'000'000, false));
  }
  EXPECT_EQ(seats.take(one, 1'000'000, "many", 1'000'000, false).error().code, Errc::limit);
}

}  // namespace
}  // namespace openmmp::state
