#include "supervisor/plan.h"

#include <algorithm>

namespace openmmp::supervisor {

namespace {

// Calls visit(slot) for every worker that a generation wants.
template <class Visit>
void for_each_slot(const WantedGeneration& generation, Visit visit) {
  for (const WantedService& service : generation.services) {
    for (uint32_t index = 0; index < service.workers; ++index) {
      visit(Slot{service.name, generation.number, index});
    }
  }
}

class Planner {
 public:
  Planner(const ProcessTable& table, const Wanted& wanted, const Backoff& backoff,
          const Limits& limits, Time now)
      : table_(table), wanted_(wanted), backoff_(backoff), limits_(limits), now_(now) {}

  Plan run() {
    if (decide_next()) return std::move(plan_);
    if (wanted_.current) fill(*wanted_.current);
    if (wanted_.next) fill(*wanted_.next);
    for (const Process& process : table_.all()) look_at(process);
    return std::move(plan_);
  }

 private:
  // Promotion and abandonment change what is wanted: the rest is planned after them.
  bool decide_next() {
    if (!wanted_.next) return false;
    const Progress progress = progress_of(*wanted_.next, table_, backoff_);
    if (progress.failed > 0) {
      act(Verb::abandon, {}, "a worker of it did not start");
    } else if (progress.all_ready()) {
      act(Verb::promote, {}, "its workers are ready");
    }
    return !plan_.actions.empty();
  }

  void fill(const WantedGeneration& generation) {
    for_each_slot(generation, [this](Slot slot) {
      // Also one that was killed: until it is gone it may still hold what its successor needs.
      if (table_.in_slot(slot) != nullptr) return;
      const Time due = backoff_.not_before(slot);
      if (due > now_) return look_at_time(due);
      plan_.actions.push_back(Action{Verb::start, std::move(slot), {}, ""});
    });
  }

  void look_at(const Process& process) {
    switch (process.state) {
      case State::starting:
        // It has no sessions yet, so there is nobody to say goodbye to.
        if (is_surplus(process)) return act(Verb::kill, process.id, "is not wanted any more");
        return due(process.since + limits_.start_up, Verb::kill, process.id, "did not get ready");
      case State::ready:
        if (!wanted_.current) return act(Verb::end, process.id, "the instance stops");
        if (is_surplus(process)) act(Verb::drain, process.id, "its generation was replaced");
        return;
      case State::draining:
        if (!wanted_.current) return act(Verb::end, process.id, "the instance stops");
        if (is_too_old(process)) return act(Verb::end, process.id, "more than MaxGenerations");
        return due(process.since + wanted_.drain_time + limits_.drain_grace, Verb::end, process.id,
                   "did not end its sessions within DrainTime");
      case State::ending:
        return due(process.since + limits_.end, Verb::kill, process.id, "did not leave");
      case State::killed:
        return;
    }
  }

  bool is_surplus(const Process& process) const {
    const uint32_t generation = process.slot.generation;
    return !(wanted_.current && wanted_.current->number == generation) &&
           !(wanted_.next && wanted_.next->number == generation);
  }

  // The newest generations are kept, as many as allowed.
  bool is_too_old(const Process& process) const {
    const std::set<uint32_t> generations = table_.generations();
    const auto own = generations.find(process.slot.generation);
    const auto newer = std::distance(own, generations.end()) - 1;
    return newer >= static_cast<std::ptrdiff_t>(std::max(wanted_.max_generations, 1u));
  }

  void due(Time time, Verb verb, ProcessId process, const char* why) {
    if (time <= now_) return act(verb, process, why);
    look_at_time(time);
  }
  void act(Verb verb, ProcessId process, const char* why) {
    plan_.actions.push_back(Action{verb, {}, process, why});
  }
  void look_at_time(Time time) {
    plan_.look_again = std::min(plan_.look_again.value_or(time), time);
  }

  const ProcessTable& table_;
  const Wanted& wanted_;
  const Backoff& backoff_;
  const Limits& limits_;
  const Time now_;
  Plan plan_;
};

}  // namespace

Plan plan(const ProcessTable& table, const Wanted& wanted, const Backoff& backoff,
          const Limits& limits, Time now) {
  return Planner(table, wanted, backoff, limits, now).run();
}

Progress progress_of(const WantedGeneration& generation, const ProcessTable& table,
                     const Backoff& backoff) {
  Progress progress;
  for_each_slot(generation, [&](const Slot& slot) {
    ++progress.wanted;
    const Process* process = table.in_slot(slot);
    if (process != nullptr && process->state == State::ready) {
      ++progress.ready;
    } else if (backoff.failures(slot) > 0) {
      ++progress.failed;
    }
  });
  return progress;
}

}  // namespace openmmp::supervisor
