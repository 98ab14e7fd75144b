#include "supervisor/supervisor.h"

#include <fmt/format.h>

#include <algorithm>

#include "supervisor/privileges.h"

namespace openmmp::supervisor {

namespace {

constexpr Seconds date_check{30};
constexpr Millis hand_over_patience{5'000};

std::vector<std::string> lines_of(const std::vector<config::Diagnostic>& diagnostics) {
  std::vector<std::string> lines;
  for (const config::Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.severity != config::Severity::note) lines.push_back(diagnostic.to_string());
  }
  return lines;
}

}  // namespace

Supervisor::Supervisor(Loop& loop, Log& log, std::string directory, std::string executables)
    : loop_(loop),
      log_(log),
      directory_(std::move(directory)),
      executables_(std::move(executables)),
      started_(loop.now()),
      state_(loop, log, log_files_, executables_ + "/mmp-state"),
      workforce_(loop, log, listeners_, log_files_, state_, executables_),
      look_again_(loop),
      date_(loop),
      reload_done_(loop),
      stopped_(loop) {}

Result<> Supervisor::start(config::Config config, std::function<void(const Outcome&)> on_started) {
  Generation first(last_number_, std::move(config));
  if (Result<> opened = listeners_.open(first.listeners()); !opened) return opened;
  if (Result<> opened = open_own_log(first.config.process); !opened) return opened;
  log_.write(LogLevel::notice, 0, "openmmp {} starts in {}", OPENMMP_VERSION, directory_);
  for (const std::string& line : lines_of(first.config.diagnostics)) {
    log_.write(LogLevel::warning, 0, "{}", line);
  }
  const Result<WorkerUser> user = worker_user(first.config.process);
  if (user && !user->notice.empty()) log_.write(LogLevel::notice, 0, "{}", user->notice);
  current_.emplace(std::move(first));
  on_started_ = std::move(on_started);
  each_turn_.emplace(loop_, [this] { turn(); });
  check_date();
  return {};
}

Result<> Supervisor::open_own_log(const config::Settings& process) {
  log_.set_level(process.log_level);
  auto file = log_files_.open(config::path_in(directory_, process.log_dir), "AService");
  if (!file) return fail(std::move(file.error()));
  log_.set_file(std::move(*file));
  return {};
}

void Supervisor::turn() {
  workforce_.reap();
  state_.reap();
  // Until nothing is left to do now: what is noticed here must not wait for the next event.
  for (;;) {
    if (reload_asked_ && !next_ && !stopping_) begin_reload();
    const bool workers_changed = workforce_.take_changed();
    const bool state_changed = state_.take_changed();
    if (!std::exchange(due_, false) && !workers_changed && !state_changed) break;
    act();
    check_first_start();
  }
  if (stopping_ && workforce_.table().all().empty() && state_.gone()) {
    // Whoever waits for the end has one more turn.
    if (stopped_.empty()) loop_.stop();
    stopped_.wake_all();
  }
  log_.flush();
}

void Supervisor::act() {
  const std::optional<Time> state_due = act_on_state();
  const Plan todo = plan(workforce_.table(), wanted(), workforce_.backoff(), Limits(), loop_.now());
  for (const Action& action : todo.actions) carry_out(action);
  look_again_.stop();
  std::optional<Time> look_again = todo.look_again;
  if (state_due) look_again = std::min(look_again.value_or(*state_due), *state_due);
  if (!look_again) return;
  look_again_.start(
      *look_again - loop_.now(), [](void* due) { *static_cast<bool*>(due) = true; }, &due_);
}

// Before the workers: those that start then find it there. It leaves when the last of them has.
std::optional<Time> Supervisor::act_on_state() {
  const bool wanted = !stopping_ || !workforce_.table().all().empty();
  if (state_.act(wanted, current_->config.process, directory_)) workforce_.connect_to_state();
  return state_.look_again();
}

Wanted Supervisor::wanted() const {
  Wanted result;
  if (stopping_) return result;
  result.current = current_->wanted();
  if (next_) result.next = next_->wanted();
  result.drain_time = current_->config.process.drain_time;
  result.max_generations =
      static_cast<uint32_t>(std::max(current_->config.process.max_generations, 1));
  return result;
}

void Supervisor::carry_out(const Action& action) {
  switch (action.verb) {
    case Verb::start:
      return workforce_.start(
          action.slot, next_ && next_->number == action.slot.generation ? *next_ : *current_);
    case Verb::drain:
      return workforce_.drain(action.process, current_->config.process.drain_time);
    case Verb::end:
      return workforce_.end(action.process);
    case Verb::kill:
      return workforce_.kill(action.process, action.why);
    case Verb::promote:
      return promote();
    case Verb::abandon:
      return abandon();
  }
}

void Supervisor::check_first_start() {
  if (!on_started_) return;
  const WantedGeneration first = current_->wanted();
  const Progress progress = progress_of(first, workforce_.table(), workforce_.backoff());
  if (!progress.decided() && !stopping_) return;
  Outcome outcome;
  outcome.ok = progress.ready > 0 && !stopping_;
  outcome.messages = problems_of(*current_);
  // No reason not to start: workers go on without it.
  if (!state_.last_problem().empty()) {
    outcome.messages.push_back("mmp-state: " + state_.last_problem());
  }
  // Retrying would be no help to whoever waits at the terminal for a reason.
  if (!outcome.ok) stop();
  std::exchange(on_started_, nullptr)(outcome);
}

void Supervisor::reload() {
  if (stopping_) return;
  reload_asked_ = true;
  due_ = true;
}

void Supervisor::begin_reload() {
  reload_asked_ = false;
  log_.write(LogLevel::notice, 0, "reload: reading {}", directory_);
  config::Config config = config::load(directory_);
  Outcome outcome;
  outcome.messages = lines_of(config.diagnostics);
  // Nothing has been touched up to here, and nothing but new listeners below, which abandon() or
  // the next reload closes again.
  if (!config.ok()) return finish_reload(std::move(outcome));
  if (Result<> usable = make_startable(config, executables_); !usable) {
    outcome.messages = lines_of(config.diagnostics);
    outcome.messages.push_back(usable.error().detail);
    return finish_reload(std::move(outcome));
  }
  Generation generation(last_number_ + 1, std::move(config));
  if (Result<> opened = listeners_.open(generation.listeners()); !opened) {
    outcome.messages.push_back(opened.error().detail);
    return finish_reload(std::move(outcome));
  }
  last_number_ = generation.number;
  next_.emplace(std::move(generation));
  due_ = true;
}

void Supervisor::finish_reload(Outcome outcome) {
  for (const std::string& message : outcome.messages) {
    log_.write(outcome.ok ? LogLevel::warning : LogLevel::error, 0, "reload: {}", message);
  }
  if (outcome.ok) {
    log_.write(LogLevel::notice, 0, "reload: generation {} is at work", current_->number);
  } else {
    log_.write(LogLevel::error, 0, "reload: failed, generation {} goes on unchanged",
               current_->number);
  }
  reloaded_ = std::move(outcome);
  reload_done_.wake_all();
}

void Supervisor::promote() {
  current_.emplace(std::move(*next_));
  next_.reset();
  due_ = true;
  // Draining workers close their own copies, so after this a removed port is closed for good.
  listeners_.close_all_but(current_->listeners());
  workforce_.forget_generations_but(current_->number, current_->number);
  workforce_.settle_ticket_keys(*current_);
  state_.renew_fleet(current_->config.process, directory_);
  Outcome outcome{true, lines_of(current_->config.diagnostics)};
  if (Result<> opened = open_own_log(current_->config.process); !opened) {
    outcome.messages.push_back(opened.error().detail);
  }
  finish_reload(std::move(outcome));
}

void Supervisor::abandon() {
  Outcome outcome{false, problems_of(*next_)};
  next_.reset();
  due_ = true;
  listeners_.close_all_but(current_->listeners());
  workforce_.forget_generations_but(current_->number, current_->number);
  workforce_.settle_ticket_keys(*current_);
  finish_reload(std::move(outcome));
}

std::vector<std::string> Supervisor::problems_of(const Generation& generation) const {
  // Workers of one service fail for one reason, which is said once.
  std::vector<std::string> lines;
  for (const WantedService& service : generation.wanted().services) {
    for (uint32_t index = 0; index < service.workers; ++index) {
      const auto* history = workforce_.history(Slot{service.name, generation.number, index});
      if (history == nullptr) continue;
      std::string line = fmt::format("{}: {}", service.name, history->last_problem);
      if (std::find(lines.begin(), lines.end(), line) == lines.end()) {
        lines.push_back(std::move(line));
      }
    }
  }
  return lines;
}

Task<Supervisor::Outcome> Supervisor::reload_and_wait() {
  reload();
  while (reload_asked_ || next_) co_await reload_done_.wait();
  Outcome outcome = reloaded_;
  if (!outcome.ok) co_return outcome;
  // The old ones were told to drain before this.
  co_await workforce_.refresh_status(hand_over_patience);
  for (const std::string& worker : workforce_.silent_leavers()) {
    outcome.messages.push_back(worker + " does not answer and may still accept clients");
    log_.write(LogLevel::warning, 0, "reload: {}", outcome.messages.back());
  }
  co_return outcome;
}

void Supervisor::stop() {
  if (std::exchange(stopping_, true)) return;
  log_.write(LogLevel::notice, 0, "exiting");
  due_ = true;
  reload_asked_ = false;
  // Whoever waits for a reload must not wait for ever.
  if (next_) {
    next_.reset();
    finish_reload(Outcome{false, {"the instance stops"}});
  }
}

Task<> Supervisor::stop_and_wait() {
  stop();
  co_await stopped_.wait();
}

// Looked at twice a minute rather than at midnight: clocks are set and machines sleep.
void Supervisor::check_date() {
  if (log_files_.new_day()) {
    [[maybe_unused]] const Result<> opened = open_own_log(current_->config.process);
    workforce_.renew_logs(*current_);
    state_.renew_log(current_->config.process, directory_);
  }
  date_.start(
      date_check, [](void* self) { static_cast<Supervisor*>(self)->check_date(); }, this);
}

}  // namespace openmmp::supervisor
