// Which processes there are, what each is for, and how far it is. Pure: the supervisor tells it
// what happened and when; plan() reads it.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace openmmp::supervisor {

using Time = std::chrono::milliseconds;  // of a monotonic clock
enum class ProcessId : uint64_t {};

// The place that a worker fills: one of the workers of a service in a generation.
struct Slot {
  std::string service;
  uint32_t generation = 0;
  uint32_t index = 0;
  auto operator<=>(const Slot&) const = default;
};

enum class State {
  starting,  // has not said Ready
  ready,
  draining,  // told to leave when its sessions have
  ending,    // told to leave now
  killed,    // sent SIGKILL; its exit is all that is left
};

const char* to_string(State state);

struct Process {
  ProcessId id{};
  Slot slot;
  State state = State::starting;
  Time started{};
  Time since{};  // in this state
};

class ProcessTable {
 public:
  ProcessId add(Slot slot, Time now);
  // Ids of processes that are gone are allowed and ignored: news of a process may overtake its end.
  void set_state(ProcessId id, State state, Time now);
  void remove(ProcessId id);

  const Process* find(ProcessId id) const;
  const Process* in_slot(const Slot& slot) const;
  std::set<uint32_t> generations() const;
  const std::vector<Process>& all() const { return processes_; }  // oldest first

 private:
  std::vector<Process> processes_;
  uint64_t last_id_ = 0;
};

}  // namespace openmmp::supervisor
