// mmp-state as the supervisor holds it: starts it with its StateBirth, keeps it alive, connects
// workers to it and passes mmpctl's questions on. Workers go on while it is away.
//
// Everything it is built from must outlive it. act() and reap() are for the supervisor's turn,
// outside of every handler.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "config/config.h"
#include "ipc/runtime/log.h"
#include "proto/state.pb.h"
#include "supervisor/child.h"
#include "supervisor/log_files.h"
#include "supervisor/pending.h"
#include "supervisor/plan_resident.h"

namespace openmmp::supervisor {

class StateProcess {
 public:
  StateProcess(Loop& loop, Log& log, LogFiles& log_files, std::string executable);

  // Starts, ends and kills as plan_resident() says, in the instance `directory`. True when a new
  // one was started: every worker is to be connected again.
  bool act(bool wanted, const config::Settings& process, const std::string& directory);
  // Notes its end. Every turn, because the news of it may be all that the turn brings.
  void reap();
  // When act() is due, if nothing happens before.
  std::optional<Time> look_again() const { return look_again_; }
  // True when something has happened since the last call.
  bool take_changed() { return std::exchange(changed_, false); }
  bool gone() const { return table_.all().empty(); }

  // The worker's end of a way to it. Errc::unavailable: it does not run.
  Result<UniqueFd> connect_worker();
  void renew_log(const config::Settings& process, const std::string& directory);
  // After a reload: SharedState and its kin, as they are now.
  void renew_fleet(const config::Settings& process, const std::string& directory);
  // Errc::unavailable: it does not run, or does not answer within `patience`.
  Task<proto::StateReply> ask(proto::StateRequest request, Millis patience);

  // For the status report.
  const Process* process() const { return table_.in_slot(slot_); }
  pid_t pid() const { return child_ ? child_->pid() : 0; }
  uint32_t failures() const { return failures_; }
  const std::string& last_problem() const { return last_problem_; }
  // No server: SharedState is not set.
  const proto::FleetStatus& fleet() const { return fleet_; }

 private:
  using ChildOfState = Child<proto::ToStateProcess, proto::FromStateProcess>;
  using Questions = std::map<uint64_t, std::optional<proto::StateReply>>;

  Result<> start(const config::Settings& process, const std::string& directory);
  void end();
  void kill(const char* why);
  void hear(const proto::FromStateProcess* message);
  void note_failure(Time lived, std::string problem);
  void set_state(State state);

  Loop& loop_;
  Log& log_;
  LogFiles& log_files_;
  const std::string executable_;
  const Slot slot_;
  ProcessTable table_;  // of one at most
  Backoff backoff_;
  std::unique_ptr<ChildOfState> child_;
  std::optional<Time> look_again_;
  uint32_t failures_ = 0;
  std::string last_problem_;
  proto::FleetStatus fleet_;  // as it was last said
  Questions questions_;       // asked, and answered
  uint64_t last_question_ = 0;
  WaitList news_;  // of answers
  bool changed_ = true;
};

}  // namespace openmmp::supervisor
