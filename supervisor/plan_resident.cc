#include "supervisor/plan_resident.h"

namespace openmmp::supervisor {

namespace {

// The action at its time, or that time.
Plan at(Time due, Time now, Verb verb, ProcessId process, const char* why) {
  Plan plan;
  if (due > now) {
    plan.look_again = due;
  } else {
    plan.actions.push_back(Action{verb, {}, process, why});
  }
  return plan;
}

}  // namespace

Plan plan_resident(const ProcessTable& table, const Slot& slot, bool wanted, const Backoff& backoff,
                   const Limits& limits, Time now) {
  const Process* process = table.in_slot(slot);
  if (process == nullptr) {
    if (!wanted) return Plan();
    Plan plan = at(backoff.not_before(slot), now, Verb::start, {}, "");
    for (Action& start : plan.actions) start.slot = slot;
    return plan;
  }
  switch (process->state) {
    case State::starting:
      if (!wanted) return at(now, now, Verb::end, process->id, "the instance stops");
      return at(process->since + limits.start_up, now, Verb::kill, process->id,
                "did not get ready");
    case State::ready:
      if (!wanted) return at(now, now, Verb::end, process->id, "the instance stops");
      return Plan();
    case State::draining:
    case State::ending:
      return at(process->since + limits.end, now, Verb::kill, process->id, "did not leave");
    case State::killed:
      break;
  }
  return Plan();
}

}  // namespace openmmp::supervisor
