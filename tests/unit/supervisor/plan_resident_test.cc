#include "supervisor/plan_resident.h"

#include <gtest/gtest.h>

namespace openmmp::supervisor {
namespace {

constexpr Time now{1'000'000};
const Slot slot{"mmp-state", 0, 0};

struct Case {
  const char* name;
  std::optional<State> state;  // none: there is no process
  int for_ms;                  // in this state
  bool wanted;
  std::vector<int> failures_ms_ago;
  std::string expected;
  int look_again_in = -1;
};

std::string word(const Action& action) {
  switch (action.verb) {
    case Verb::start:
      return action.slot == slot ? "start" : "start something else";
    case Verb::end:
      return "end";
    case Verb::kill:
      return "kill";
    default:
      return "?";
  }
}

TEST(PlanResident, Table) {
  const Case cases[] = {
      {"the first start", {}, 0, true, {}, "start"},
      {"nothing is wanted any more", {}, 0, false, {}, ""},
      {"starting", State::starting, 10'000, true, {}, "", 20'000},
      {"never said Ready", State::starting, 30'000, true, {}, "kill"},
      {"all is well", State::ready, 99'999, true, {}, ""},
      {"it crashed and waits", {}, 0, true, {400}, "", 600},
      {"it crashed and its time has come", {}, 0, true, {1000}, "start"},
      {"a crash loop waits longer", {}, 0, true, {9000, 5000, 1000}, "", 3000},
      {"nobody starts it for the end", {}, 0, false, {1000}, ""},
      {"the last worker is gone", State::ready, 5, false, {}, "end"},
      {"the instance stops while it starts", State::starting, 5, false, {}, "end"},
      {"it leaves", State::ending, 1'000, false, {}, "", 4'000},
      {"it does not leave", State::ending, 5'000, false, {}, "kill"},
      {"it lost its channel", State::ending, 1'000, true, {}, "", 4'000},
      {"it lost its channel and stays", State::ending, 5'000, true, {}, "kill"},
      {"killed, and not gone yet", State::killed, 99'999, true, {}, ""},
  };
  for (const Case& c : cases) {
    ProcessTable table;
    if (c.state) {
      const Time since = now - Time(c.for_ms);
      table.set_state(table.add(slot, since), *c.state, since);
    }
    Backoff backoff;
    for (const int ago : c.failures_ms_ago) backoff.failed(slot, Time(0), now - Time(ago));
    const Plan plan = plan_resident(table, slot, c.wanted, backoff, Limits(), now);
    std::string actions;
    for (const Action& action : plan.actions) actions += word(action);
    EXPECT_EQ(actions, c.expected) << c.name;
    EXPECT_EQ(plan.look_again.has_value(), c.look_again_in >= 0) << c.name;
    if (plan.look_again) {
      EXPECT_EQ(*plan.look_again - now, Time(c.look_again_in)) << c.name;
    }
  }
}

}  // namespace
}  // namespace openmmp::supervisor
