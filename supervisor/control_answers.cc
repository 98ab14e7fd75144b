#include "supervisor/control_answers.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

namespace openmmp::supervisor {

namespace {

// A worker that is busy for longer is shown as it last said.
constexpr Millis status_patience{500};
// A directory may take its LDAPTimeout.
constexpr Millis lookup_patience{30'000};
constexpr Millis state_patience{5'000};

uint64_t seconds(Millis time) { return static_cast<uint64_t>(time.count() / 1000); }

proto::ControlReply refuse(std::string reason) {
  proto::ControlReply reply;
  reply.add_messages(std::move(reason));
  return reply;
}

void add_history(proto::WorkerStatus& to, const Workforce::History* history) {
  if (history == nullptr) return;
  to.set_restarts(history->failures);
  to.set_last_problem(history->last_problem);
}

void add_process(proto::StatusReply& to, const Workforce& workforce, const Process& process,
                 Millis now) {
  proto::WorkerStatus& row = *to.add_workers();
  row.set_service(process.slot.service);
  row.set_generation(process.slot.generation);
  row.set_index(process.slot.index);
  row.set_state(to_string(process.state));
  row.set_age_seconds(seconds(now - process.started));
  add_history(row, workforce.history(process.slot));
  const WorkerProcess* worker = workforce.worker(process.id);
  if (worker == nullptr) return;
  row.set_pid(worker->pid());
  row.set_sessions(worker->status.sessions());
  row.set_accepted(worker->status.accepted());
  row.set_logins(worker->status.logins());
  row.set_failures(worker->status.failures());
  row.set_memory_bytes(worker->status.memory_bytes());
}

// The slots whose worker failed and is not to be started yet.
void add_waiting(proto::StatusReply& to, const Workforce& workforce, const Generation& generation) {
  for (const WantedService& service : generation.wanted().services) {
    for (uint32_t index = 0; index < service.workers; ++index) {
      const Slot slot{service.name, generation.number, index};
      if (workforce.table().in_slot(slot) != nullptr) continue;
      proto::WorkerStatus& row = *to.add_workers();
      row.set_service(slot.service);
      row.set_generation(slot.generation);
      row.set_index(index);
      row.set_state("waiting");
      add_history(row, workforce.history(slot));
    }
  }
}

uint64_t resident_bytes(pid_t pid) {
  uint64_t total = 0;
  uint64_t resident = 0;
  std::ifstream(fmt::format("/proc/{}/statm", pid)) >> total >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

// No worker, but shown beside them; it need not be asked for what the kernel knows.
void add_state(proto::StatusReply& to, const StateProcess& state, Millis now) {
  proto::WorkerStatus& row = *to.mutable_state_process();
  row.set_service("mmp-state");
  const Process* process = state.process();
  row.set_state(process == nullptr ? "waiting" : to_string(process->state));
  row.set_restarts(state.failures());
  row.set_last_problem(state.last_problem());
  if (process == nullptr) return;
  row.set_pid(state.pid());
  row.set_memory_bytes(resident_bytes(state.pid()));
  row.set_age_seconds(seconds(now - process->started));
}

void add_fleet(proto::StatusReply& to, const proto::FleetStatus& fleet, Millis now) {
  if (fleet.server().empty()) return;
  proto::SharedStateStatus& shared = *to.mutable_shared_state();
  shared.set_connected(fleet.connected());
  shared.set_server(fleet.server());
  shared.set_since_seconds(seconds(std::max(now - Millis(fleet.since()), Millis(0))));
  shared.set_reason(fleet.reason());
}

Task<proto::ControlReply> answer_status(Supervisor& supervisor) {
  Workforce& workforce = supervisor.workforce();
  co_await workforce.refresh_status(status_patience);
  proto::ControlReply reply;
  reply.set_ok(true);
  proto::StatusReply& status = *reply.mutable_status();
  status.set_instance(supervisor.directory());
  status.set_version(OPENMMP_VERSION);
  status.set_pid(::getpid());
  status.set_uptime_seconds(seconds(supervisor.uptime()));
  status.set_generation(supervisor.current().number);
  for (const Process& process : workforce.table().all()) {
    add_process(status, workforce, process, supervisor.now());
  }
  add_waiting(status, workforce, supervisor.current());
  add_state(status, supervisor.state(), supervisor.now());
  add_fleet(status, supervisor.state().fleet(), supervisor.now());
  for (std::string& address : supervisor.listeners().addresses()) {
    status.add_listeners(std::move(address));
  }
  co_return reply;
}

// "ImapProxyAService@143" is meant by its whole name, "ImapProxyAService" and "ImapProxy".
bool is_meant(const std::string& wanted, const config::Service& service) {
  return wanted.empty() || wanted == service.name || wanted == service.executable ||
         wanted == service.log_name;
}

const Process* ready_worker(Supervisor& supervisor, const std::string& wanted) {
  const Generation& generation = supervisor.current();
  for (const Process& process : supervisor.workforce().table().all()) {
    const config::Service* service = generation.find(process.slot.service);
    if (process.state == State::ready && process.slot.generation == generation.number &&
        service != nullptr && is_meant(wanted, *service)) {
      return &process;
    }
  }
  return nullptr;
}

Task<proto::ControlReply> answer_lookup(Supervisor& supervisor,
                                        proto::ControlRequest::LookupRequest request) {
  const Process* process = ready_worker(supervisor, request.service());
  if (process == nullptr) {
    co_return refuse(request.service().empty()
                         ? "no worker is ready"
                         : fmt::format("no worker of a service '{}' is ready", request.service()));
  }
  proto::LookupQuery query;
  query.set_user(request.user());
  query.set_local_ip(request.local_ip());
  query.set_client_ip(request.client_ip());
  Result<proto::LookupReport> report = co_await attempt(
      supervisor.workforce().look_up(process->id, std::move(query), lookup_patience));
  if (!report) co_return refuse(report.error().detail);
  proto::ControlReply reply;
  reply.set_ok(report->found());
  *reply.mutable_lookup() = std::move(*report);
  co_return reply;
}

Task<proto::ControlReply> answer_reload(Supervisor& supervisor) {
  Supervisor::Outcome outcome = co_await supervisor.reload_and_wait();
  proto::ControlReply reply;
  reply.set_ok(outcome.ok);
  for (std::string& message : outcome.messages) reply.add_messages(std::move(message));
  co_return reply;
}

Task<proto::ControlReply> answer_stop(Supervisor& supervisor) {
  co_await supervisor.stop_and_wait();
  proto::ControlReply reply;
  reply.set_ok(true);
  co_return reply;
}

Task<proto::ControlReply> answer_state(Supervisor& supervisor, proto::StateRequest request) {
  if (request.has_relays()) {
    auto& configured = *request.mutable_relays()->mutable_configured();
    configured.Clear();
    for (std::string& relay : supervisor.current().relays()) configured.Add(std::move(relay));
  }
  Result<proto::StateReply> answer =
      co_await attempt(supervisor.state().ask(std::move(request), state_patience));
  if (!answer) co_return refuse(answer.error().detail);
  proto::ControlReply reply;
  reply.set_ok(answer->ok());
  if (!answer->message().empty()) reply.add_messages(answer->message());
  *reply.mutable_state() = std::move(*answer);
  co_return reply;
}

Task<proto::ControlReply> answer_unknown() {
  co_return refuse("this mmpd does not know the request: it is older than mmpctl");
}

}  // namespace

Task<proto::ControlReply> answer(Supervisor& supervisor, proto::ControlRequest request) {
  switch (request.request_case()) {
    case proto::ControlRequest::kStatus:
      return answer_status(supervisor);
    case proto::ControlRequest::kReload:
      return answer_reload(supervisor);
    case proto::ControlRequest::kStop:
      return answer_stop(supervisor);
    case proto::ControlRequest::kLookup:
      return answer_lookup(supervisor, std::move(*request.mutable_lookup()));
    case proto::ControlRequest::kState:
      return answer_state(supervisor, std::move(*request.mutable_state()));
    case proto::ControlRequest::REQUEST_NOT_SET:
      break;
  }
  return answer_unknown();
}

}  // namespace openmmp::supervisor
