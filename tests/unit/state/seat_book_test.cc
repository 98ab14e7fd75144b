#include "workers/proxy/seat_book.h"

#include <gtest/gtest.h>

namespace openmmp::proxy {
namespace {

using Advice = SeatBook::Advice;

std::vector<uint64_t> told(const SeatBook::News& news) {
  std::vector<uint64_t> seats;
  for (const SeatBook::Taken& taken : news.taken) seats.push_back(taken.seat);
  return seats;
}

TEST(SeatBook, AdviceByWhatIsKnown) {
  struct Case {
    const char* name;
    bool talking;
    uint32_t own, all, limit;
    Advice advice;
  };
  const Case cases[] = {
      {"the first", true, 0, 0, 10, Advice::take},
      {"none is allowed", true, 0, 0, 0, Advice::refuse},
      {"none is allowed, alone", false, 0, 0, 0, Advice::refuse},
      {"less than half", true, 4, 0, 10, Advice::take},
      {"half by our own", true, 5, 0, 10, Advice::ask},
      {"half by all", true, 1, 5, 10, Advice::ask},
      {"half of an odd limit", true, 1, 0, 3, Advice::take},
      {"more than half of it", true, 2, 0, 3, Advice::ask},
      {"one is allowed and free as far as we know", true, 0, 0, 1, Advice::take},
      {"one is allowed and taken", true, 0, 1, 1, Advice::ask},
      {"full, but somebody may just leave", true, 10, 10, 10, Advice::ask},
      {"alone, below", false, 9, 0, 10, Advice::take},
      {"alone, full", false, 10, 0, 10, Advice::refuse},
  };
  for (const Case& c : cases) {
    SeatBook book;
    if (c.talking) book.begin_conversation();
    for (uint32_t i = 0; i < c.own; ++i) book.take("k", c.limit, false, nullptr);
    if (c.all != 0) book.note_count("k", c.all);
    EXPECT_EQ(book.advise("k", c.limit), c.advice) << c.name;
    EXPECT_EQ(book.advise("another", 5), Advice::take) << c.name;
  }
}

TEST(SeatBook, WhatIsLeftBeforeItWasToldIsNoNews) {
  SeatBook book;
  book.begin_conversation();
  const uint64_t a = book.take("k", 10, false, nullptr);
  const uint64_t b = book.take("k", 10, true, nullptr);
  book.leave(a);
  SeatBook::News news = book.take_news(100);
  EXPECT_TRUE(news.left.empty());
  ASSERT_EQ(told(news), std::vector<uint64_t>{b});
  EXPECT_TRUE(news.taken[0].asked);
  EXPECT_EQ(*news.taken[0].key, "k");
  EXPECT_FALSE(book.has_news());
  book.leave(b);
  news = book.take_news(100);
  EXPECT_EQ(news.left, std::vector<uint64_t>{b});
  EXPECT_EQ(book.size(), 0u);
}

TEST(SeatBook, AConversationBeginsWithAllSeatsInParts) {
  SeatBook book;
  std::vector<uint64_t> seats;
  for (int i = 0; i < 5; ++i)
    seats.push_back(book.take("k" + std::to_string(i), 1, false, nullptr));
  EXPECT_FALSE(book.has_news());  // nobody is there to be told
  book.leave(seats[0]);
  book.begin_conversation();
  EXPECT_EQ(told(book.take_news(3)), (std::vector<uint64_t>{seats[1], seats[2], seats[3]}));
  seats.push_back(book.take("new", 1, false, nullptr));
  const SeatBook::News rest = book.take_news(3);
  EXPECT_EQ(told(rest), (std::vector<uint64_t>{seats[4], seats[5]}));
  EXPECT_TRUE(rest.taken[0].held);
  EXPECT_FALSE(rest.taken[1].held);
}

TEST(SeatBook, ARefusedSeatCountsNoMoreAndIsToldNoMore) {
  SeatBook book;
  book.begin_conversation();
  const uint64_t a = book.take("k", 1, false, nullptr);
  book.take_news(10);
  book.refuse(a);
  EXPECT_TRUE(book.refused(a));
  EXPECT_FALSE(book.one_too_many(a));
  EXPECT_EQ(book.advise("k", 1), Advice::take);
  book.begin_conversation();
  EXPECT_FALSE(book.has_news());
  book.leave(a);
  book.leave(a);
  book.refuse(a);
  EXPECT_FALSE(book.has_news());
  EXPECT_EQ(book.size(), 0u);
}

TEST(SeatBook, OneTooManyByOurOwnCount) {
  SeatBook book;
  const uint64_t a = book.take("k", 1, true, nullptr);
  EXPECT_FALSE(book.one_too_many(a));
  const uint64_t b = book.take("k", 1, true, nullptr);
  EXPECT_TRUE(book.one_too_many(a));
  book.leave(a);
  EXPECT_FALSE(book.one_too_many(b));
}

TEST(SeatBook, CountsOfOthersEndWithTheConversation) {
  SeatBook book;
  book.begin_conversation();
  book.note_count("k", 7);
  EXPECT_EQ(book.advise("k", 10), Advice::ask);
  book.end_conversation();
  EXPECT_EQ(book.advise("k", 10), Advice::take);
  book.begin_conversation();
  book.note_count("k", 7);
  book.note_count("k", 0);
  book.note_count("never heard of", 0);
  EXPECT_EQ(book.advise("k", 10), Advice::take);
}

}  // namespace
}  // namespace openmmp::proxy
