#include "supervisor/plan.h"

#include <gtest/gtest.h>

#include <ostream>

namespace openmmp::supervisor {
namespace {

std::string word(Verb verb) {
  switch (verb) {
    case Verb::start:
      return "start";
    case Verb::drain:
      return "drain";
    case Verb::end:
      return "end";
    case Verb::kill:
      return "kill";
    case Verb::promote:
      return "promote";
    case Verb::abandon:
      return "abandon";
  }
  return "?";
}

// A process as a table of cases writes it: how long it has been in its state.
struct Row {
  const char* service;
  uint32_t generation;
  uint32_t index;
  State state;
  int for_ms;
};

struct Failure {
  const char* service;
  uint32_t generation;
  uint32_t index;
  int ago_ms;
};

struct Case {
  const char* name;
  std::vector<Row> rows;
  std::optional<WantedGeneration> current;
  std::optional<WantedGeneration> next;
  std::vector<Failure> failures;
  std::string expected;  // actions: "start imap.1.0, drain #1"; # counts the rows from 1
  int look_again_in = -1;
};

constexpr Time now{1'000'000};

WantedGeneration wants(uint32_t number, std::vector<WantedService> services) {
  return WantedGeneration{number, std::move(services)};
}

std::string describe(const Plan& plan) {
  std::string text;
  for (const Action& action : plan.actions) {
    if (!text.empty()) text += ", ";
    text += word(action.verb);
    if (action.verb == Verb::start) {
      text += " " + action.slot.service + "." + std::to_string(action.slot.generation) + "." +
              std::to_string(action.slot.index);
    } else if (action.process != ProcessId{}) {
      text += " #" + std::to_string(static_cast<uint64_t>(action.process));
    }
  }
  return text;
}

void run(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    ProcessTable table;
    for (const Row& row : c.rows) {
      const Time since = now - Time(row.for_ms);
      table.set_state(table.add(Slot{row.service, row.generation, row.index}, since), row.state,
                      since);
    }
    Backoff backoff;
    for (const Failure& failure : c.failures) {
      backoff.failed(Slot{failure.service, failure.generation, failure.index}, Time(0),
                     now - Time(failure.ago_ms));
    }
    Wanted wanted;
    wanted.current = c.current;
    wanted.next = c.next;
    wanted.drain_time = Time(60'000);
    wanted.max_generations = 3;
    const Plan result = plan(table, wanted, backoff, Limits(), now);
    EXPECT_EQ(describe(result), c.expected) << c.name;
    EXPECT_EQ(result.look_again.has_value(), c.look_again_in >= 0) << c.name;
    if (result.look_again) {
      EXPECT_EQ(*result.look_again - now, Time(c.look_again_in)) << c.name;
    }
  }
}

TEST(Plan, StartsAndRestarts) {
  const auto two = wants(1, {{"imap", 2}});
  run({
      {"nothing is wanted", {}, wants(1, {}), {}, {}, ""},
      {"the first start",
       {},
       wants(1, {{"imap", 2}, {"pop", 1}}),
       {},
       {},
       "start imap.1.0, start imap.1.1, start pop.1.0"},
      {"all is well",
       {{"imap", 1, 0, State::ready, 5}, {"imap", 1, 1, State::ready, 5}},
       two,
       {},
       {},
       ""},
      {"one is missing", {{"imap", 1, 1, State::ready, 5}}, two, {}, {}, "start imap.1.0"},
      {"one failed just now and waits",
       {{"imap", 1, 1, State::ready, 5}},
       two,
       {},
       {{"imap", 1, 0, 400}},
       "",
       600},
      {"its delay is over",
       {{"imap", 1, 1, State::ready, 5}},
       two,
       {},
       {{"imap", 1, 0, 1000}},
       "start imap.1.0"},
      {"both wait, the nearer time counts",
       {},
       two,
       {},
       {{"imap", 1, 0, 100}, {"imap", 1, 1, 700}},
       "",
       300},
      {"a killed one keeps its slot until it is gone",
       {{"imap", 1, 0, State::killed, 99'999}, {"imap", 1, 1, State::ready, 5}},
       two,
       {},
       {},
       ""},
  });
}

TEST(Plan, LimitsOnWorkers) {
  const auto one = wants(1, {{"imap", 1}});
  run({
      {"starting", {{"imap", 1, 0, State::starting, 10'000}}, one, {}, {}, "", 20'000},
      {"never said Ready", {{"imap", 1, 0, State::starting, 30'000}}, one, {}, {}, "kill #1"},
      {"lost its channel", {{"imap", 1, 0, State::ending, 1'000}}, one, {}, {}, "", 4'000},
      {"lost it and stays", {{"imap", 1, 0, State::ending, 5'000}}, one, {}, {}, "kill #1"},
  });
}

TEST(Plan, Reload) {
  const auto old = wants(1, {{"imap", 1}, {"pop", 1}});
  const auto fresh = wants(2, {{"imap", 1}, {"pop", 1}});
  const Row old_imap{"imap", 1, 0, State::ready, 50'000};
  const Row old_pop{"pop", 1, 0, State::ready, 50'000};
  run({
      {"the new ones start beside the old",
       {old_imap, old_pop},
       old,
       fresh,
       {},
       "start imap.2.0, start pop.2.0"},
      {"no old one drains before all new ones are ready",
       {old_imap, old_pop, {"imap", 2, 0, State::ready, 1}, {"pop", 2, 0, State::starting, 1'000}},
       old,
       fresh,
       {},
       "",
       29'000},
      {"all are ready",
       {old_imap, old_pop, {"imap", 2, 0, State::ready, 1}, {"pop", 2, 0, State::ready, 1}},
       old,
       fresh,
       {},
       "promote"},
      {"then the old ones drain",
       {old_imap, old_pop, {"imap", 2, 0, State::ready, 1}, {"pop", 2, 0, State::ready, 1}},
       fresh,
       {},
       {},
       "drain #1, drain #2"},
      {"one of the new fails",
       {old_imap, old_pop, {"imap", 2, 0, State::ready, 1}},
       old,
       fresh,
       {{"pop", 2, 0, 0}},
       "abandon"},
      {"then the new ones leave and the old ones stay",
       {old_imap, old_pop, {"imap", 2, 0, State::ready, 1}, {"pop", 2, 0, State::starting, 1}},
       old,
       {},
       {},
       "drain #3, kill #4"},
      {"an old one that dies meanwhile is replaced with its own configuration",
       {old_imap, {"imap", 2, 0, State::starting, 0}, {"pop", 2, 0, State::starting, 0}},
       old,
       fresh,
       {},
       "start pop.1.0",
       30'000},
      {"failures of the old generation do not abandon the new",
       {old_imap, {"imap", 2, 0, State::starting, 0}, {"pop", 2, 0, State::starting, 0}},
       old,
       fresh,
       {{"pop", 1, 0, 0}},
       "",
       1'000},
      {"a removed service drains",
       {old_imap, old_pop, {"imap", 2, 0, State::ready, 1}},
       wants(2, {{"imap", 1}}),
       {},
       {},
       "drain #1, drain #2"},
      {"fewer workers",
       {old_imap,
        {"imap", 1, 1, State::ready, 1},
        old_pop,
        {"imap", 2, 0, State::ready, 1},
        {"pop", 2, 0, State::ready, 1}},
       fresh,
       {},
       {},
       "drain #1, drain #2, drain #3"},
  });
}

TEST(Plan, Draining) {
  const auto fresh = wants(2, {{"imap", 1}});
  const Row ready{"imap", 2, 0, State::ready, 1};
  run({
      {"within its time",
       {{"imap", 1, 0, State::draining, 60'000}, ready},
       fresh,
       {},
       {},
       "",
       5'000},
      {"past DrainTime and grace",
       {{"imap", 1, 0, State::draining, 65'000}, ready},
       fresh,
       {},
       {},
       "end #1"},
      {"told to end and does",
       {{"imap", 1, 0, State::ending, 10}, ready},
       fresh,
       {},
       {},
       "",
       4'990},
      {"told to end and does not",
       {{"imap", 1, 0, State::ending, 5'000}, ready},
       fresh,
       {},
       {},
       "kill #1"},
  });
}

TEST(Plan, GenerationsAreCapped) {
  const auto fresh = wants(9, {{"imap", 1}});
  const Row ready{"imap", 9, 0, State::ready, 1};
  run({
      {"three are allowed",
       {{"imap", 3, 0, State::draining, 2}, {"imap", 7, 0, State::draining, 2}, ready},
       fresh,
       {},
       {},
       "",
       64'998},
      {"the oldest of four ends",
       {{"imap", 3, 0, State::draining, 2},
        {"imap", 3, 1, State::draining, 2},
        {"imap", 7, 0, State::draining, 2},
        {"imap", 8, 0, State::draining, 2},
        ready},
       fresh,
       {},
       {},
       "end #1, end #2",
       64'998},
  });
}

TEST(Plan, Stop) {
  run({
      {"everybody is told once",
       {{"imap", 2, 0, State::ready, 1},
        {"imap", 1, 0, State::draining, 1},
        {"pop", 2, 0, State::starting, 1},
        {"pop", 1, 0, State::killed, 1}},
       {},
       {},
       {},
       "end #1, end #2, kill #3"},
      {"and has its time", {{"imap", 2, 0, State::ending, 1'500}}, {}, {}, {}, "", 3'500},
      {"and no more", {{"imap", 2, 0, State::ending, 5'000}}, {}, {}, {}, "kill #1"},
      {"nobody is left", {}, {}, {}, {}, ""},
  });
}

TEST(Plan, Progress) {
  const auto generation = wants(1, {{"imap", 2}, {"pop", 1}});
  ProcessTable table;
  Backoff backoff;
  EXPECT_FALSE(progress_of(generation, table, backoff).decided());
  table.set_state(table.add(Slot{"imap", 1, 0}, Time(0)), State::ready, Time(0));
  backoff.failed(Slot{"imap", 1, 1}, Time(0), Time(0));
  table.add(Slot{"imap", 1, 1}, Time(0));  // its second try is no success yet
  backoff.failed(Slot{"imap", 2, 0}, Time(0), Time(0));
  Progress progress = progress_of(generation, table, backoff);
  EXPECT_EQ(progress.wanted, 3u);
  EXPECT_EQ(progress.ready, 1u);
  EXPECT_EQ(progress.failed, 1u);
  EXPECT_FALSE(progress.decided());
  backoff.failed(Slot{"pop", 1, 0}, Time(0), Time(0));
  progress = progress_of(generation, table, backoff);
  EXPECT_TRUE(progress.decided());
  EXPECT_FALSE(progress.all_ready());
}

// Plays time: whatever is planned is done and workers behave as told, until nothing is due.
TEST(Plan, ReloadEndsInOneReadyGeneration) {
  ProcessTable table;
  Backoff backoff;
  Wanted wanted;
  wanted.current = wants(1, {{"imap", 2}, {"pop", 2}});
  wanted.next = wants(2, {{"imap", 3}});
  Time clock(0);
  for (int turn = 0; turn < 100; ++turn) {
    const Plan todo = plan(table, wanted, backoff, Limits(), clock);
    if (todo.actions.empty()) break;
    for (const Action& action : todo.actions) {
      if (action.verb == Verb::start) {
        table.set_state(table.add(action.slot, clock), State::ready, clock);
      } else if (action.verb == Verb::promote) {
        wanted.current = std::exchange(wanted.next, std::nullopt);
      } else {
        ASSERT_EQ(action.verb, Verb::drain);
        table.remove(action.process);
      }
    }
    clock += Time(10);
  }
  EXPECT_EQ(table.generations(), (std::set<uint32_t>{2}));
  EXPECT_EQ(table.all().size(), 3u);
}

}  // namespace
}  // namespace openmmp::supervisor
