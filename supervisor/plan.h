// Decides everything that the supervisor does to its processes; the supervisor only carries out.
// Pure: the same table, wish and time always give the same plan.
//
// A reload is a next generation beside the current one. Its workers are started; when all of them
// are ready it is promoted and everything older drains, and when one of them fails it is abandoned
// and nothing has changed for the current generation.
#pragma once

#include <optional>
#include <vector>

#include "supervisor/backoff.h"
#include "supervisor/process_table.h"

namespace openmmp::supervisor {

struct WantedService {
  std::string name;
  uint32_t workers = 1;
};

struct WantedGeneration {
  uint32_t number = 0;
  std::vector<WantedService> services;
};

struct Wanted {
  std::optional<WantedGeneration> current;  // none: everybody is to leave now
  std::optional<WantedGeneration> next;
  Time drain_time{3'600'000};
  uint32_t max_generations = 4;
};

struct Limits {
  Time start_up{30'000};    // from the start to Ready
  Time drain_grace{5'000};  // past DrainTime, for a worker that says goodbye by itself
  Time end{5'000};          // from "leave now" to the exit
};

enum class Verb {
  start,    // fill `slot`
  drain,    // tell `process` to leave within the drain time
  end,      // tell `process` to leave now
  kill,     // `process` did not do what it was told
  promote,  // the next generation becomes the current one
  abandon,  // the next generation is given up
};

struct Action {
  Verb verb = Verb::start;
  Slot slot;             // of start
  ProcessId process{};   // of drain, end and kill
  const char* why = "";  // for the log
};

struct Plan {
  std::vector<Action> actions;
  std::optional<Time> look_again;  // when something will be due, if nothing happens before
};

Plan plan(const ProcessTable& table, const Wanted& wanted, const Backoff& backoff,
          const Limits& limits, Time now);

// How the start of a generation goes. A slot counts as failed until a worker in it is ready.
struct Progress {
  unsigned wanted = 0;
  unsigned ready = 0;
  unsigned failed = 0;
  bool all_ready() const { return ready == wanted; }
  bool decided() const { return ready + failed == wanted; }
};
Progress progress_of(const WantedGeneration& generation, const ProcessTable& table,
                     const Backoff& backoff);

}  // namespace openmmp::supervisor
