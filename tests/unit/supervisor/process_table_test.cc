#include "supervisor/process_table.h"

#include <gtest/gtest.h>

namespace openmmp::supervisor {
namespace {

TEST(ProcessTable, RemembersStatesAndTimes) {
  ProcessTable table;
  const ProcessId id = table.add(Slot{"imap", 1, 0}, Time(10));
  EXPECT_EQ(table.find(id)->state, State::starting);
  table.set_state(id, State::ready, Time(20));
  EXPECT_EQ(table.find(id)->state, State::ready);
  EXPECT_EQ(table.find(id)->started, Time(10));
  EXPECT_EQ(table.find(id)->since, Time(20));
}

TEST(ProcessTable, IdsAreNeverUsedAgain) {
  ProcessTable table;
  const ProcessId first = table.add(Slot{"imap", 1, 0}, Time(0));
  table.remove(first);
  const ProcessId second = table.add(Slot{"imap", 1, 0}, Time(0));
  EXPECT_NE(first, second);
  EXPECT_EQ(table.find(first), nullptr);
  EXPECT_EQ(table.in_slot(Slot{"imap", 1, 0})->id, second);
}

TEST(ProcessTable, NewsOfTheDeadIsIgnored) {
  ProcessTable table;
  const ProcessId id = table.add(Slot{"imap", 1, 0}, Time(0));
  table.remove(id);
  table.set_state(id, State::ready, Time(1));
  table.remove(id);
  EXPECT_TRUE(table.all().empty());
}

TEST(ProcessTable, SlotsAndGenerations) {
  ProcessTable table;
  table.add(Slot{"imap", 3, 0}, Time(0));
  table.add(Slot{"imap", 1, 0}, Time(0));
  table.add(Slot{"pop", 3, 1}, Time(0));
  EXPECT_EQ(table.generations(), (std::set<uint32_t>{1, 3}));
  EXPECT_NE(table.in_slot(Slot{"pop", 3, 1}), nullptr);
  EXPECT_EQ(table.in_slot(Slot{"pop", 3, 0}), nullptr);
  EXPECT_EQ(table.in_slot(Slot{"pop", 1, 1}), nullptr);
  EXPECT_EQ(table.in_slot(Slot{"smtp", 3, 1}), nullptr);
}

TEST(ProcessTable, StatesHaveNames) {
  for (const State state :
       {State::starting, State::ready, State::draining, State::ending, State::killed}) {
    EXPECT_STRNE(to_string(state), "");
  }
}

}  // namespace
}  // namespace openmmp::supervisor
