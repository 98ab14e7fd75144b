#include "workers/state/process.h"

#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>

#include "ipc/privileges.h"
#include "ipc/runtime/scheduling.h"
#include "workers/state/fleet.h"
#include "workers/state/snapshot_file.h"
#include "workers/state/state_server.h"

namespace openmmp::state {

namespace {

constexpr int channel_descriptor = 3;
constexpr Millis snapshot_interval{1000};
// Of the time, at most one part in so many goes to snapshots, however large the table is.
constexpr int snapshot_share = 50;

using Supervisor = ipc::Channel<proto::FromStateProcess, proto::ToStateProcess>;

Millis wall_clock() {
  return std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch());
}

class StateProcess {
 public:
  StateProcess(Loop& loop, Supervisor& supervisor)
      : loop_(loop),
        supervisor_(supervisor),
        log_("State"),
        server_(loop, log_),
        saving_(loop),
        each_turn_(loop, [this] {
          if (born_ && !saving_.active() && server_.take_changed()) save_in(spacing_);
          log_.flush();
        }) {}

  // Ends with an Error only before it is ready.
  Task<> live();

 private:
  Result<> be_born(const proto::StateBirth& birth, ipc::Descriptors descriptors);
  void load();
  void join_fleet(const proto::FleetOptions& options);
  void handle(const proto::ToStateProcess& message, ipc::Descriptors descriptors);
  void save_in(Millis time);
  void save();

  Loop& loop_;
  Supervisor& supervisor_;
  Log log_;
  UniqueFd directory_;
  StateServer server_;
  Secret fleet_options_;          // as they came
  std::unique_ptr<Fleet> fleet_;  // null: SharedState is not set
  Timer saving_;
  BeforeWait each_turn_;
  Millis spacing_ = snapshot_interval;
  bool born_ = false;
  bool can_save_ = true;  // as the last attempt ended: said once
};

Result<> StateProcess::be_born(const proto::StateBirth& birth, ipc::Descriptors descriptors) {
  const size_t expected = (birth.log() ? 1u : 0u) + (birth.directory() ? 1u : 0u);
  if (descriptors.size() != expected) {
    return fail(Errc::protocol, "StateBirth names other descriptors than came with it");
  }
  log_.set_level(birth.log_level());
  if (birth.log()) log_.set_file(std::move(descriptors.front()));
  if (birth.directory()) directory_ = std::move(descriptors.back());
  if (Result<> dropped = ipc::drop_privileges(birth.user(), birth.group()); !dropped) {
    return dropped;
  }
  if (birth.batch_scheduling()) wait_patiently(log_);
  load();
  join_fleet(birth.fleet());
  born_ = true;
  return {};
}

void StateProcess::load() {
  if (!directory_) return;
  const auto snapshot = read_snapshot(directory_);
  if (!snapshot) {
    log_.write(LogLevel::warning, 0, "{}: it is not used", snapshot.error().detail);
  } else if (*snapshot) {
    server_.restore(**snapshot, wall_clock());
  }
}

// A reload sends the same options again, most times.
void StateProcess::join_fleet(const proto::FleetOptions& options) {
  Secret text(options.SerializeAsString());
  if (fleet_options_.equals(text.reveal())) return;
  fleet_options_ = std::move(text);
  if (fleet_) log_.write(LogLevel::notice, 0, "shared state: the options have changed");
  server_.share_by(nullptr);
  fleet_.reset();
  Fleet::Instance instance;
  instance.learn = [this](const Fact& fact) { server_.learn(fact); };
  instance.known = [this] { return server_.facts(); };
  instance.stands = [this](const proto::FleetStatus& status) {
    proto::FromStateProcess message;
    *message.mutable_fleet() = status;
    std::ignore = supervisor_.send(message);
  };
  proto::FleetStatus status;
  status.set_since(loop_.now().count());
  if (options.servers().empty()) return instance.stands(status);
  status.set_server(options.servers(0));
  status.set_reason("not connected yet");
  instance.stands(status);
  const auto stands = instance.stands;
  auto fleet = Fleet::create(loop_, log_, options, std::move(instance));
  if (!fleet) {
    log_.write(LogLevel::error, 0, "shared state: {}", fleet.error().detail);
    status.set_reason(fleet.error().detail);
    return stands(status);
  }
  fleet_ = std::move(*fleet);
  server_.share_by([this](const Fact& fact) { fleet_->tell(fact); });
}

void StateProcess::handle(const proto::ToStateProcess& message, ipc::Descriptors descriptors) {
  switch (message.message_case()) {
    case proto::ToStateProcess::kNewWorker:
      if (descriptors.size() == 1) server_.add_worker(std::move(descriptors.front()));
      break;
    case proto::ToStateProcess::kRequest: {
      proto::FromStateProcess reply;
      *reply.mutable_reply() = server_.answer(message.request());
      std::ignore = supervisor_.send(reply);
      break;
    }
    case proto::ToStateProcess::kNewLog:
      if (descriptors.size() == 1) log_.set_file(std::move(descriptors.front()));
      break;
    case proto::ToStateProcess::kNewFleet:
      join_fleet(message.new_fleet());
      break;
    default:
      break;  // a newer supervisor may say more than we know
  }
}

void StateProcess::save_in(Millis time) {
  saving_.start(
      time, [](void* self) { static_cast<StateProcess*>(self)->save(); }, this);
}

void StateProcess::save() {
  if (!directory_) return;
  const auto begin = std::chrono::steady_clock::now();
  const Result<> saved = write_snapshot(directory_, server_.snapshot(wall_clock()));
  if (std::exchange(can_save_, saved.has_value()) && !saved) {
    log_.write(LogLevel::error, 0, "{}", saved.error().detail);
  }
  const auto took = std::chrono::steady_clock::now() - begin;
  spacing_ = std::max(snapshot_interval, std::chrono::duration_cast<Millis>(took) * snapshot_share);
}

Task<> StateProcess::live() {
  auto first = co_await supervisor_.receive();
  proto::FromStateProcess answer;
  if (!first.message.has_birth()) {
    co_await fail(Errc::protocol, "the first message of the supervisor is not StateBirth");
  }
  const Result<> born = be_born(first.message.birth(), std::move(first.descriptors));
  wipe(*first.message.mutable_birth()->mutable_fleet()->mutable_password());
  if (!born) {
    answer.mutable_failed()->set_reason(born.error().detail);
    std::ignore = supervisor_.send(answer);
    co_await fail(born.error());
  }
  answer.mutable_ready();
  std::ignore = supervisor_.send(answer);
  for (;;) {
    auto received = co_await attempt(supervisor_.receive());
    if (!received || received->message.has_leave()) break;
    handle(received->message, std::move(received->descriptors));
    if (received->message.has_new_fleet()) {
      wipe(*received->message.mutable_new_fleet()->mutable_password());
    }
  }
  // Also when the supervisor is gone: workers that are still draining count for themselves, and the
  // next supervisor's mmp-state finds the snapshot.
  save();
}

}  // namespace

int run_state_process() {
  // Stopping is the supervisor's business, also when a terminal signals the whole group.
  for (const int ignored : {SIGPIPE, SIGINT, SIGHUP}) signal(ignored, SIG_IGN);
  Loop loop;
  Supervisor supervisor(loop, UniqueFd(channel_descriptor));
  StateProcess process(loop, supervisor);
  Task<> life = process.live();
  life.start();
  BeforeWait watch(loop, [&] {
    if (life.finished()) loop.stop();
  });
  loop.run();
  return life.result() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace openmmp::state
