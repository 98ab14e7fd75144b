#include "supervisor/workforce.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "supervisor/privileges.h"

namespace openmmp::supervisor {

namespace {

// Opened anew for each worker: two that shared one open file would share its read position.
Result<std::vector<ipc::NamedFile>> open_files(const config::Service& service) {
  std::vector<ipc::NamedFile> result;
  for (const config::ServiceFile& entry : service.files) {
    UniqueFd file(::open(entry.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {
      return fail(Errc::unavailable, fmt::format("{}: cannot open {}: {}", entry.option, entry.path,
                                                 std::strerror(errno)));
    }
    ipc::NamedFile& named = result.emplace_back(entry.option, std::move(file));
    named.path = entry.path;
    named.store_group = entry.store_group;
    named.index = entry.index;
    named.virtual_domain = entry.virtual_domain;
  }
  return result;
}

std::string name_of(const Slot& slot) {
  return fmt::format("{} worker {}", slot.service, slot.index);
}

std::string to_string(const Process& process, const WorkerProcess& worker) {
  return fmt::format("{} of generation {} (pid {})", name_of(process.slot), process.slot.generation,
                     worker.pid());
}

}  // namespace

void Workforce::set_state(ProcessId id, State state) {
  table_.set_state(id, state, loop_.now());
  changed_ = true;
}

void Workforce::start(const Slot& slot, const Generation& generation) {
  changed_ = true;
  const Result<> started = try_start(slot, generation);
  if (!started) note_failure(slot, Time(0), started.error().detail);
}

Result<> Workforce::try_start(const Slot& slot, const Generation& generation) {
  const config::Service* service = generation.find(slot.service);
  CHECK(service != nullptr);
  Result<ipc::Inheritance> inherited = inheritance(slot, generation, *service);
  if (!inherited) return fail(std::move(inherited.error()));
  auto sockets = ipc::socket_pair();
  if (!sockets) return fail(std::move(sockets.error()));
  Result<ChildProcess> process =
      ChildProcess::start(loop_, executables_ + "/" + service->executable,
                          {generation.config.directory, service->name}, std::move(sockets->second));
  if (!process) return fail(std::move(process.error()));

  // From here on the process exists and is in the table, whatever happens to it: its end comes by
  // reap() like any other, and there is one place that notes failures of running workers.
  const ProcessId id = table_.add(slot, loop_.now());
  auto handler = [this](ProcessId from, const proto::FromWorker* said) { hear(from, said); };
  auto& worker = *workers_
                      .emplace(id, std::make_unique<WorkerProcess>(loop_, id, std::move(*process),
                                                                   std::move(sockets->first),
                                                                   std::move(handler)))
                      .first->second;
  auto [birth, descriptors] = ipc::make_birth(*service, std::move(*inherited));
  const Result<> sent = worker.send(birth, std::move(descriptors));
  ipc::wipe_keys(*birth.mutable_birth()->mutable_ticket_keys());
  if (!sent) {
    worker.problem = sent.error().detail;
    worker.kill();
  }
  connect_to_state(worker);
  worker.start();
  return {};
}

// Without mmp-state, or when one of the two cannot be told, the worker counts for itself.
void Workforce::connect_to_state(WorkerProcess& worker) {
  Result<UniqueFd> way = state_.connect_worker();
  if (!way) return;
  proto::ToWorker message;
  message.mutable_state_link();
  ipc::Descriptors descriptors;
  descriptors.push_back(std::move(*way));
  [[maybe_unused]] const Result<> sent = worker.send(message, std::move(descriptors));
}

void Workforce::connect_to_state() {
  for (const auto& [id, worker] : workers_) connect_to_state(*worker);
}

Result<ipc::Inheritance> Workforce::inheritance(const Slot& slot, const Generation& generation,
                                                const config::Service& service) {
  ipc::Inheritance result;
  result.generation = slot.generation;
  result.index = slot.index;
  auto listeners = listeners_.duplicate(service.listeners);
  if (!listeners) return fail(std::move(listeners.error()));
  result.listeners = std::move(*listeners);
  auto files = open_files(service);
  if (!files) return fail(std::move(files.error()));
  result.files = std::move(*files);
  result.ticket_keys =
      ticket_keys_.keys_of(service.name, ticket_period(service.settings), loop_.now());
  set_ticket_timer();
  auto log = log_files_.open(config::path_in(generation.config.directory, service.settings.log_dir),
                             service.log_name);
  if (!log) return fail(std::move(log.error()));
  result.log = std::move(*log);
  auto user = worker_user(generation.config.process);
  if (!user) return fail(std::move(user.error()));
  result.user = user->user;
  result.group = user->group;
  return result;
}

void Workforce::drain(ProcessId id, Seconds time) {
  WorkerProcess& worker = *workers_.at(id);
  worker.dismissed = true;
  proto::ToWorker message;
  message.mutable_drain()->set_seconds(static_cast<uint32_t>(time.count()));
  // One that cannot be told is noticed by its channel, or by the time it takes.
  [[maybe_unused]] const Result<> sent = worker.send(message);
  set_state(id, State::draining);
}

void Workforce::end(ProcessId id) {
  drain(id, Seconds(0));
  set_state(id, State::ending);
}

void Workforce::kill(ProcessId id, const char* why) {
  WorkerProcess& worker = *workers_.at(id);
  if (worker.problem.empty()) worker.problem = why;
  worker.kill();
  set_state(id, State::killed);
}

void Workforce::hear(ProcessId id, const proto::FromWorker* message) {
  WorkerProcess& worker = *workers_.at(id);
  const State state = table_.find(id)->state;
  if (message == nullptr) {
    // Usually it has just ended, and its exit status is on its way. One that only closed its
    // channel can no longer be told anything, so it is no worker any more.
    worker.status_queries = 0;
    if (state != State::killed) set_state(id, State::ending);  // a while to leave by itself
    return news_.wake_all();
  }
  switch (message->message_case()) {
    case proto::FromWorker::kReady:
      // Too late: it was told to leave meanwhile.
      if (state != State::starting) return;
      worker.ready_since = loop_.now();
      set_state(id, State::ready);
      return;
    case proto::FromWorker::kFailed:
      // It exits by itself; its reason says more than its status will.
      worker.problem = message->failed().reason();
      return set_state(id, State::ending);
    case proto::FromWorker::kStatus:
      worker.status = message->status();
      if (worker.status_queries > 0) --worker.status_queries;
      return news_.wake_all();
    case proto::FromWorker::kLookup:
      return hear_lookup(message->lookup());
    case proto::FromWorker::kDrained:
    case proto::FromWorker::MESSAGE_NOT_SET:
      return;
  }
}

void Workforce::reap() {
  for (auto entry = workers_.begin(); entry != workers_.end();) {
    const auto& [id, worker] = *entry;
    if (!worker->ended()) {
      ++entry;
      continue;
    }
    note_end(*table_.find(id), *worker);
    table_.remove(id);
    changed_ = true;
    entry = workers_.erase(entry);
  }
}

void Workforce::note_end(const Process& process, const WorkerProcess& worker) {
  const ChildEnd& end = *worker.ended();
  if (worker.dismissed) {
    log_.write(LogLevel::notice, 0, "{}: exiting{}", to_string(process, worker),
               end.signal != 0 || end.status != 0 ? ", " + end.to_string() : "");
    return;
  }
  const Time lived = worker.ready_since ? loop_.now() - *worker.ready_since : Time(0);
  note_failure(process.slot, lived, fmt::format("pid {}: {}", worker.pid(), worker.last_problem()));
}

void Workforce::note_failure(const Slot& slot, Time lived, const std::string& problem) {
  History& history = histories_[slot];
  ++history.failures;
  history.last_problem = problem;
  backoff_.failed(slot, lived, loop_.now());
  log_.write(LogLevel::error, 0, "{} of generation {} failed: {}", name_of(slot), slot.generation,
             problem);
}

void Workforce::forget_generations_but(uint32_t one, uint32_t other) {
  backoff_.keep_generations(one, other);
  std::erase_if(histories_, [one, other](const auto& item) {
    return item.first.generation != one && item.first.generation != other;
  });
}

void Workforce::renew_logs(const Generation& generation) {
  proto::ToWorker message;
  message.mutable_new_log();
  for (const auto& [id, worker] : workers_) {
    // Workers of an older generation follow the log of their service as it is now, if it still is.
    const config::Service* service = generation.find(table_.find(id)->slot.service);
    if (service == nullptr) continue;
    auto file = log_files_.open(
        config::path_in(generation.config.directory, service->settings.log_dir), service->log_name);
    if (!file) {
      log_.write(LogLevel::error, 0, "{}", file.error().detail);
      continue;
    }
    ipc::Descriptors descriptors;
    descriptors.push_back(std::move(*file));
    [[maybe_unused]] const Result<> sent = worker->send(message, std::move(descriptors));
  }
}

void Workforce::settle_ticket_keys(const Generation& generation) {
  std::vector<std::string> services;
  for (const config::Service& service : generation.config.services) {
    const Time period = ticket_period(service.settings);
    if (ticket_keys_.keys_of(service.name, period, loop_.now()) != nullptr) {
      services.push_back(service.name);
    }
  }
  ticket_keys_.keep(services);
  set_ticket_timer();
}

void Workforce::set_ticket_timer() {
  ticket_timer_.stop();
  const std::optional<Time> due = ticket_keys_.due();
  if (!due) return;
  ticket_timer_.start(
      std::max(*due - loop_.now(), Time(0)),
      [](void* self) { static_cast<Workforce*>(self)->rotate_ticket_keys(); }, this);
}

// Workers of older generations get them, too: their sessions end, but new tickets are still made.
void Workforce::rotate_ticket_keys() {
  for (const std::string& service : ticket_keys_.rotate(loop_.now())) {
    proto::ToWorker message = ipc::make_ticket_keys(*ticket_keys_.find(service));
    for (const auto& [id, worker] : workers_) {
      if (table_.find(id)->slot.service != service) continue;
      // One that does not hear of it makes tickets that only it takes.
      [[maybe_unused]] const Result<> sent = worker->send(message);
    }
    ipc::wipe_keys(*message.mutable_ticket_keys());
  }
  set_ticket_timer();
}

const Workforce::History* Workforce::history(const Slot& slot) const {
  const auto found = histories_.find(slot);
  return found == histories_.end() ? nullptr : &found->second;
}

const WorkerProcess* Workforce::worker(ProcessId id) const {
  const auto found = workers_.find(id);
  return found == workers_.end() ? nullptr : found->second.get();
}

bool Workforce::status_pending() const {
  for (const auto& [id, worker] : workers_) {
    if (worker->status_queries > 0) return true;
  }
  return false;
}

std::vector<std::string> Workforce::silent_leavers() const {
  std::vector<std::string> result;
  for (const auto& [id, worker] : workers_) {
    if (!worker->dismissed || worker->status_queries == 0) continue;
    result.push_back(to_string(*table_.find(id), *worker));
  }
  return result;
}

Task<> Workforce::refresh_status(Millis patience) {
  proto::ToWorker query;
  query.mutable_status();
  for (const auto& [id, worker] : workers_) {
    // One that starts is busy with its files, and everybody would wait for it.
    if (!worker->ready_since) continue;
    if (worker->send(query)) ++worker->status_queries;
  }
  Timer limit(loop_);
  limit.start(
      patience, [](void* news) { static_cast<WaitList*>(news)->wake_all(); }, &news_);
  while (limit.active() && status_pending()) co_await news_.wait();
}

void Workforce::hear_lookup(const proto::LookupAnswer& answer) {
  const auto asked = lookups_.find(answer.id());
  if (asked == lookups_.end()) return;  // whoever asked has stopped waiting
  asked->second = answer.report();
  news_.wake_all();
}

Task<proto::LookupReport> Workforce::look_up(ProcessId id, proto::LookupQuery query,
                                             Millis patience) {
  const uint64_t number = ++last_lookup_;
  const Pending<Lookups> pending(lookups_, number);
  proto::ToWorker message;
  *message.mutable_lookup() = std::move(query);
  message.mutable_lookup()->set_id(number);
  co_await workers_.at(id)->send(message);
  Timer limit(loop_);
  limit.start(
      patience, [](void* news) { static_cast<WaitList*>(news)->wake_all(); }, &news_);
  while (limit.active() && workers_.count(id) != 0 && !lookups_.at(number)) co_await news_.wait();
  if (!lookups_.at(number)) co_await fail(Errc::unavailable, "the worker does not answer");
  co_return std::move(*lookups_.at(number));
}

}  // namespace openmmp::supervisor
