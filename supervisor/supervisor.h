// One running instance: its configuration in generations, its listeners, mmp-state and its workers.
// Once a turn of the loop it asks plan() what is to be done, and does it.
//
// The Loop and the Log must outlive it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/workforce.h"

namespace openmmp::supervisor {

class Supervisor {
 public:
  // What a reload, or the first start, came to, in lines for the operator.
  struct Outcome {
    bool ok = false;
    std::vector<std::string> messages;
  };

  Supervisor(Loop& loop, Log& log, std::string directory, std::string executables);

  // Binds everything and starts the first generation; then, once, `on_started` is told how it went.
  // When not a single worker came up, the instance stops by itself.
  Result<> start(config::Config config, std::function<void(const Outcome&)> on_started);
  // Reads the configuration again, for new clients. A second reload waits for the first.
  void reload();
  // After a success it returns when all clients to come are the new generation's. A worker that
  // does not answer is not waited for, but named.
  Task<Outcome> reload_and_wait();
  // Everybody leaves; the loop stops when nobody is left.
  void stop();
  // Returns when nobody is left, just before the loop stops.
  Task<> stop_and_wait();

  // For the status report.
  Workforce& workforce() { return workforce_; }
  StateProcess& state() { return state_; }
  const Listeners& listeners() const { return listeners_; }
  const Generation& current() const { return *current_; }
  const std::string& directory() const { return directory_; }
  Millis now() const { return loop_.now(); }
  Millis uptime() const { return loop_.now() - started_; }

 private:
  void turn();
  void act();
  std::optional<Time> act_on_state();
  void carry_out(const Action& action);
  Wanted wanted() const;
  void begin_reload();
  void finish_reload(Outcome outcome);
  void promote();
  void abandon();
  void check_first_start();
  void check_date();
  Result<> open_own_log(const config::Settings& process);
  std::vector<std::string> problems_of(const Generation& generation) const;

  Loop& loop_;
  Log& log_;
  const std::string directory_;
  const std::string executables_;
  const Millis started_;
  Listeners listeners_;
  LogFiles log_files_;
  StateProcess state_;
  Workforce workforce_;
  std::optional<Generation> current_;
  std::optional<Generation> next_;
  uint32_t last_number_ = 1;
  std::function<void(const Outcome&)> on_started_;
  Outcome reloaded_;  // the last one
  bool reload_asked_ = false;
  bool stopping_ = false;
  bool due_ = true;  // plan, although nothing has changed
  Timer look_again_;
  Timer date_;
  WaitList reload_done_;
  WaitList stopped_;
  std::optional<BeforeWait> each_turn_;  // once there is a generation
};

}  // namespace openmmp::supervisor
