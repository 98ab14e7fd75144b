#include "supervisor/state_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "ipc/privileges.h"
#include "supervisor/fleet_options.h"
#include "supervisor/privileges.h"

namespace openmmp::supervisor {

namespace {

constexpr const char* log_name = "State";
constexpr const char* snapshot_directory = "run/state";

Failure failed(const char* what) {
  return fail(Errc::unavailable,
              fmt::format("{}: {}: {}", snapshot_directory, what, std::strerror(errno)));
}

// The directory of the snapshot, which is its user's alone. run/ is ours: nobody else can have put
// something there in its place.
Result<UniqueFd> open_directory(const WorkerUser& user) {
  if (::mkdir(snapshot_directory, 0700) != 0 && errno != EEXIST) return failed("cannot create");
  UniqueFd directory(::open(snapshot_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!directory) return failed("cannot open");
  const auto identity = ipc::resolve_identity(user.user, user.group);
  if (!identity) return fail(identity.error());
  if (::fchown(directory.get(), identity->user, identity->group) != 0 ||
      ::fchmod(directory.get(), 0700) != 0) {
    return failed("cannot make it its user's");
  }
  return directory;
}

}  // namespace

StateProcess::StateProcess(Loop& loop, Log& log, LogFiles& log_files, std::string executable)
    : loop_(loop),
      log_(log),
      log_files_(log_files),
      executable_(std::move(executable)),
      slot_{"mmp-state", 0, 0},
      news_(loop) {}

bool StateProcess::act(bool wanted, const config::Settings& process, const std::string& directory) {
  bool is_new = false;
  const Plan todo = plan_resident(table_, slot_, wanted, backoff_, Limits(), loop_.now());
  look_again_ = todo.look_again;
  for (const Action& action : todo.actions) {
    changed_ = true;
    if (action.verb == Verb::start) {
      const Result<> started = start(process, directory);
      is_new = started.has_value();
      if (!started) note_failure(Time(0), started.error().detail);
    } else if (action.verb == Verb::end) {
      end();
    } else {
      kill(action.why);
    }
  }
  return is_new;
}

Result<> StateProcess::start(const config::Settings& process, const std::string& directory) {
  auto user = worker_user(process);
  if (!user) return fail(std::move(user.error()));
  auto log = log_files_.open(config::path_in(directory, process.log_dir), log_name);
  if (!log) return fail(std::move(log.error()));
  auto snapshots = open_directory(*user);
  if (!snapshots) return fail(std::move(snapshots.error()));
  auto sockets = ipc::socket_pair();
  if (!sockets) return fail(std::move(sockets.error()));
  auto child = ChildProcess::start(loop_, executable_, {directory}, std::move(sockets->second));
  if (!child) return fail(std::move(child.error()));

  const ProcessId id = table_.add(slot_, loop_.now());
  auto handler = [this](ProcessId, const proto::FromStateProcess* said) { hear(said); };
  child_ = std::make_unique<ChildOfState>(loop_, id, std::move(*child), std::move(sockets->first),
                                          std::move(handler));
  proto::ToStateProcess message;
  proto::StateBirth& birth = *message.mutable_birth();
  birth.set_log(true);
  birth.set_directory(true);
  birth.set_user(user->user);
  birth.set_group(user->group);
  birth.set_log_level(process.log_level);
  birth.set_batch_scheduling(process.batch_scheduling);
  *birth.mutable_fleet() = fleet_options(process, directory, log_);
  ipc::Descriptors descriptors;
  descriptors.push_back(std::move(*log));
  descriptors.push_back(std::move(*snapshots));
  const Result<> sent = child_->send(message, std::move(descriptors));
  wipe_password(*birth.mutable_fleet());
  if (!sent) kill(sent.error().detail.c_str());
  child_->start();
  return {};
}

void StateProcess::end() {
  child_->dismissed = true;
  proto::ToStateProcess message;
  message.mutable_leave();
  // One that cannot be told is noticed by its channel, or by the time it takes.
  [[maybe_unused]] const Result<> sent = child_->send(message);
  set_state(State::ending);
}

void StateProcess::kill(const char* why) {
  if (child_->problem.empty()) child_->problem = why;
  child_->kill();
  set_state(State::killed);
}

void StateProcess::set_state(State state) {
  table_.set_state(process()->id, state, loop_.now());
  changed_ = true;
}

void StateProcess::hear(const proto::FromStateProcess* message) {
  const State state = process()->state;
  if (message == nullptr) {
    // Usually it has just ended. One that only closed its channel has a while to leave by itself.
    if (state != State::killed) set_state(State::ending);
    return news_.wake_all();
  }
  switch (message->message_case()) {
    case proto::FromStateProcess::kReady:
      if (state != State::starting) return;  // it was told to leave meanwhile
      child_->ready_since = loop_.now();
      return set_state(State::ready);
    case proto::FromStateProcess::kFailed:
      child_->problem = message->failed().reason();
      return set_state(State::ending);
    case proto::FromStateProcess::kReply: {
      const auto asked = questions_.find(message->reply().id());
      if (asked == questions_.end()) return;  // whoever asked has stopped waiting
      asked->second = message->reply();
      return news_.wake_all();
    }
    case proto::FromStateProcess::kFleet:
      fleet_ = message->fleet();
      return;
    case proto::FromStateProcess::MESSAGE_NOT_SET:
      return;
  }
}

void StateProcess::reap() {
  if (!child_ || !child_->ended()) return;
  if (!child_->dismissed) {
    const Time lived = child_->ready_since ? loop_.now() - *child_->ready_since : Time(0);
    note_failure(lived, fmt::format("pid {}: {}", child_->pid(), child_->last_problem()));
  }
  table_.remove(process()->id);
  child_.reset();
  fleet_.Clear();
  changed_ = true;
  news_.wake_all();
}

void StateProcess::note_failure(Time lived, std::string problem) {
  ++failures_;
  backoff_.failed(slot_, lived, loop_.now());
  log_.write(LogLevel::error, 0, "mmp-state failed: {}", problem);
  last_problem_ = std::move(problem);
}

Result<UniqueFd> StateProcess::connect_worker() {
  if (!child_ || child_->dismissed) return fail(Errc::unavailable, "mmp-state does not run");
  auto sockets = ipc::socket_pair();
  if (!sockets) return fail(std::move(sockets.error()));
  proto::ToStateProcess message;
  message.mutable_new_worker();
  ipc::Descriptors descriptors;
  descriptors.push_back(std::move(sockets->first));
  if (Result<> sent = child_->send(message, std::move(descriptors)); !sent) {
    return fail(std::move(sent.error()));
  }
  return std::move(sockets->second);
}

void StateProcess::renew_log(const config::Settings& process, const std::string& directory) {
  if (!child_) return;
  auto file = log_files_.open(config::path_in(directory, process.log_dir), log_name);
  if (!file) return log_.write(LogLevel::error, 0, "{}", file.error().detail);
  proto::ToStateProcess message;
  message.mutable_new_log();
  ipc::Descriptors descriptors;
  descriptors.push_back(std::move(*file));
  [[maybe_unused]] const Result<> sent = child_->send(message, std::move(descriptors));
}

void StateProcess::renew_fleet(const config::Settings& process, const std::string& directory) {
  if (!child_ || child_->dismissed) return;
  proto::ToStateProcess message;
  *message.mutable_new_fleet() = fleet_options(process, directory, log_);
  [[maybe_unused]] const Result<> sent = child_->send(message);
  wipe_password(*message.mutable_new_fleet());
}

Task<proto::StateReply> StateProcess::ask(proto::StateRequest request, Millis patience) {
  if (process() == nullptr || process()->state != State::ready) {
    co_await fail(Errc::unavailable, "mmp-state is not running: it is started again by itself");
  }
  const ProcessId asked = process()->id;
  const uint64_t number = ++last_question_;
  const Pending<Questions> pending(questions_, number);
  request.set_id(number);
  proto::ToStateProcess message;
  *message.mutable_request() = std::move(request);
  co_await child_->send(message);
  Timer limit(loop_);
  limit.start(
      patience, [](void* news) { static_cast<WaitList*>(news)->wake_all(); }, &news_);
  while (limit.active() && table_.find(asked) != nullptr && !questions_.at(number)) {
    co_await news_.wait();
  }
  if (!questions_.at(number)) co_await fail(Errc::unavailable, "mmp-state does not answer");
  co_return std::move(*questions_.at(number));
}

}  // namespace openmmp::supervisor
