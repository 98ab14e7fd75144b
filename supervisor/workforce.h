// The workers of all generations: starts them with their Birth, tells them to leave, hears what
// they say and notes their ends. It decides nothing; what it notes is what plan() reads.
//
// Everything it is built from must outlive it. take_changed() and reap() are for the supervisor's
// turn, outside of every handler.
#pragma once

#include <map>
#include <memory>

#include "ipc/handover.h"
#include "ipc/runtime/log.h"
#include "supervisor/generation.h"
#include "supervisor/listeners.h"
#include "supervisor/log_files.h"
#include "supervisor/pending.h"
#include "supervisor/state_process.h"
#include "supervisor/ticket_keys.h"
#include "supervisor/worker_process.h"

namespace openmmp::supervisor {

class Workforce {
 public:
  Workforce(Loop& loop, Log& log, const Listeners& listeners, LogFiles& log_files,
            StateProcess& state, std::string executables)
      : loop_(loop),
        log_(log),
        listeners_(listeners),
        log_files_(log_files),
        state_(state),
        executables_(std::move(executables)),
        ticket_keys_(tls::TicketKey::random),
        ticket_timer_(loop),
        news_(loop) {}

  // What went wrong in a slot.
  struct History {
    uint32_t failures = 0;
    std::string last_problem;
  };

  void start(const Slot& slot, const Generation& generation);
  void drain(ProcessId id, Seconds time);
  void end(ProcessId id);
  void kill(ProcessId id, const char* why);
  // Takes those that have ended out of the table.
  void reap();
  void forget_generations_but(uint32_t one, uint32_t other);
  // A new day: every worker gets the new file of its log.
  void renew_logs(const Generation& generation);

  // There is a new mmp-state: every worker gets a way to it.
  void connect_to_state();

  // Keys of session tickets are for the services of this generation, as long as it says.
  void settle_ticket_keys(const Generation& generation);

  // True when the table has changed since the last call.
  bool take_changed() { return std::exchange(changed_, false); }
  const ProcessTable& table() const { return table_; }
  const Backoff& backoff() const { return backoff_; }
  const History* history(const Slot& slot) const;
  const WorkerProcess* worker(ProcessId id) const;

  // Asks every worker for its status; answers come within `patience` or not at all. Who answers has
  // done before all that it had been told before.
  Task<> refresh_status(Millis patience);
  // Of those that were told to leave, whoever was asked for its status and does not answer.
  std::vector<std::string> silent_leavers() const;
  // Errc::unavailable: the worker is gone or does not answer.
  Task<proto::LookupReport> look_up(ProcessId id, proto::LookupQuery query, Millis patience);

 private:
  using Lookups = std::map<uint64_t, std::optional<proto::LookupReport>>;  // asked, and answered

  Result<> try_start(const Slot& slot, const Generation& generation);
  Result<ipc::Inheritance> inheritance(const Slot& slot, const Generation& generation,
                                       const config::Service& service);
  void connect_to_state(WorkerProcess& worker);
  void set_ticket_timer();
  void rotate_ticket_keys();
  void hear(ProcessId id, const proto::FromWorker* message);
  void hear_lookup(const proto::LookupAnswer& answer);
  void note_failure(const Slot& slot, Time lived, const std::string& problem);
  void note_end(const Process& process, const WorkerProcess& worker);
  void set_state(ProcessId id, State state);
  bool status_pending() const;

  Loop& loop_;
  Log& log_;
  const Listeners& listeners_;
  LogFiles& log_files_;
  StateProcess& state_;
  const std::string executables_;
  TicketKeyring ticket_keys_;
  Timer ticket_timer_;
  ProcessTable table_;
  Backoff backoff_;
  std::map<ProcessId, std::unique_ptr<WorkerProcess>> workers_;
  std::map<Slot, History> histories_;
  Lookups lookups_;
  uint64_t last_lookup_ = 0;
  WaitList news_;  // of statuses and look-ups
  bool changed_ = true;
};

}  // namespace openmmp::supervisor
