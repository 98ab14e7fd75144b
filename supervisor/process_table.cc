#include "supervisor/process_table.h"

#include <algorithm>

namespace openmmp::supervisor {

const char* to_string(State state) {
  switch (state) {
    case State::starting:
      return "starting";
    case State::ready:
      return "ready";
    case State::draining:
      return "draining";
    case State::ending:
      return "ending";
    case State::killed:
      return "killed";
  }
  return "";
}

ProcessId ProcessTable::add(Slot slot, Time now) {
  const ProcessId id{++last_id_};
  processes_.push_back(Process{id, std::move(slot), State::starting, now, now});
  return id;
}

void ProcessTable::set_state(ProcessId id, State state, Time now) {
  for (Process& process : processes_) {
    if (process.id != id) continue;
    process.state = state;
    process.since = now;
  }
}

void ProcessTable::remove(ProcessId id) {
  std::erase_if(processes_, [id](const Process& process) { return process.id == id; });
}

const Process* ProcessTable::find(ProcessId id) const {
  const auto found = std::find_if(processes_.begin(), processes_.end(),
                                  [id](const Process& process) { return process.id == id; });
  return found == processes_.end() ? nullptr : &*found;
}

const Process* ProcessTable::in_slot(const Slot& slot) const {
  const auto found = std::find_if(processes_.begin(), processes_.end(),
                                  [&slot](const Process& process) { return process.slot == slot; });
  return found == processes_.end() ? nullptr : &*found;
}

std::set<uint32_t> ProcessTable::generations() const {
  std::set<uint32_t> result;
  for (const Process& process : processes_) result.insert(process.slot.generation);
  return result;
}

}  // namespace openmmp::supervisor
