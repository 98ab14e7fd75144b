#include "supervisor/backoff.h"

#include <gtest/gtest.h>

namespace openmmp::supervisor {
namespace {

const Slot slot{"imap", 1, 0};

TEST(Backoff, DelaysDoubleUpToAMinute) {
  Backoff backoff;
  EXPECT_EQ(backoff.not_before(slot), Time(0));
  Time now(5000);
  unsigned failures = 0;
  for (const int seconds : {1, 2, 4, 8, 16, 32, 60, 60, 60}) {
    backoff.failed(slot, Time(0), now);
    EXPECT_EQ(backoff.not_before(slot), now + Time(seconds * 1000));
    EXPECT_EQ(backoff.failures(slot), ++failures);
    now += Time(100'000);
  }
}

TEST(Backoff, ALongLifeForgives) {
  struct Case {
    int lived;
    unsigned failures;
    int delay;
  };
  const Case cases[] = {{0, 4, 8000}, {9'999, 4, 8000}, {10'000, 0, 0}, {86'400'000, 0, 0}};
  for (const Case& c : cases) {
    Backoff backoff;
    for (int i = 0; i < 3; ++i) backoff.failed(slot, Time(0), Time(100));
    backoff.failed(slot, Time(c.lived), Time(100));
    EXPECT_EQ(backoff.failures(slot), c.failures) << c.lived;
    EXPECT_EQ(backoff.not_before(slot), Time(c.delay == 0 ? 0 : 100 + c.delay)) << c.lived;
  }
}

TEST(Backoff, SlotsDoNotShareTheirFate) {
  Backoff backoff;
  backoff.failed(slot, Time(0), Time(0));
  for (const Slot& other : {Slot{"imap", 1, 1}, Slot{"imap", 2, 0}, Slot{"pop", 1, 0}}) {
    EXPECT_EQ(backoff.failures(other), 0u);
  }
}

TEST(Backoff, OldGenerationsAreForgotten) {
  Backoff backoff;
  for (uint32_t generation = 1; generation <= 4; ++generation) {
    backoff.failed(Slot{"imap", generation, 0}, Time(0), Time(0));
  }
  backoff.keep_generations(2, 4);
  for (uint32_t generation = 1; generation <= 4; ++generation) {
    EXPECT_EQ(backoff.failures(Slot{"imap", generation, 0}), generation % 2 == 0 ? 1u : 0u);
  }
}

}  // namespace
}  // namespace openmmp::supervisor
