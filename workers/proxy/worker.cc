#include "workers/proxy/worker.h"

#include <fmt/ranges.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>

#include "config/ssl_ports.h"
#include "ipc/handover.h"
#include "ipc/privileges.h"
#include "ipc/runtime/network.h"
#include "ipc/runtime/scheduling.h"
#include "ipc/runtime/socket.h"
#include "ipc/runtime/task_set.h"
#include "workers/proxy/acceptor.h"
#include "workers/proxy/lookup.h"
#include "workers/proxy/session_set.h"

namespace openmmp::proxy {

namespace {

// Between the request to leave and the end of those who do not.
constexpr Millis leave_time = Seconds(3);

uint64_t resident_bytes() {
  uint64_t total = 0;
  uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// A worker once it is born. Everything here lives until the process ends.
class Worker {
 public:
  Worker(Loop& loop, ipc::ToSupervisorChannel& channel, ipc::Birthright birth,
         WorkerProtocol protocol);

  // Errc says why the worker cannot work.
  Result<> open();
  void handle(proto::ToWorker message, ipc::Descriptors descriptors);
  // Accepts no more; after `limit` the sessions that are left are asked to leave. Again, it may
  // bring that moment forward but never puts it off.
  void drain(Millis limit);
  Millis drain_time() const { return settings_.drain_time; }

 private:
  void accepted(UniqueFd socket, const SocketAddress& peer, const SocketAddress& listener,
                bool tls_at_connect);
  Result<> listen();
  void take_ticket_keys(proto::TicketKeys keys);
  void ask_to_leave();
  void stop_when_empty();
  Task<> answer_lookup(proto::LookupQuery query);
  proto::FromWorker status() const;

  Loop& loop_;
  ipc::ToSupervisorChannel& channel_;
  ipc::Birthright birth_;
  const config::Settings settings_;
  Log log_;
  const WorkerProtocol protocol_;
  Networks trusted_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<Prober> prober_;
  std::unique_ptr<SessionSet> sessions_;
  std::unique_ptr<Acceptor> acceptor_;
  TaskSet lookups_;
  Timer leave_;
  BeforeWait each_turn_;
  uint64_t next_id_ = 1;
  bool draining_ = false;
  Millis leave_at_{0};  // while draining
};

Worker::Worker(Loop& loop, ipc::ToSupervisorChannel& channel, ipc::Birthright birth,
               WorkerProtocol protocol)
    : loop_(loop),
      channel_(channel),
      birth_(std::move(birth)),
      settings_(config::settings_from(birth_.settings)),
      log_(birth_.log_name),
      protocol_(std::move(protocol)),
      lookups_(loop),
      leave_(loop),
      each_turn_(loop, [this] {
        stop_when_empty();
        log_.flush();
      }) {
  log_.set_level(settings_.log_level);
  if (birth_.log) log_.set_file(std::move(birth_.log));
}

Result<> Worker::open() {
  Result<> dropped = ipc::drop_privileges(birth_.user, birth_.group);
  if (!dropped) return dropped;
  if (settings_.io_uring && !loop_.join_calls()) {
    log_.write(LogLevel::notice, 0, "no io_uring: system calls are made one by one");
  }
  if (settings_.batch_scheduling) {
    wait_patiently(log_);
    loop_.gather();
  }
  Result<Networks> trusted =
      Networks::parse(fmt::format("{}", fmt::join(settings_.trusted_networks, " ")));
  if (!trusted) return fail(trusted.error().code, "TrustedNetworks: " + trusted.error().detail);
  trusted_ = std::move(*trusted);
  auto services = make_services(loop_, log_, birth_, protocol_.stores);
  if (!services) return fail(std::move(services.error()));
  services_ = std::move(*services);
  if (protocol_.probe_store) {
    prober_ = std::make_unique<Prober>(loop_, log_, services_->resolver, services_->stores,
                                       services_->shared, protocol_.probe_store);
  }
  return listen();
}

Result<> Worker::listen() {
  const size_t limit = session_limit();
  const auto ssl_ports = config::parse_ssl_ports(settings_.ssl_ports);
  if (!ssl_ports) return fail(ssl_ports.error());
  sessions_ =
      std::make_unique<SessionSet>(loop_, [this](Connection client, SessionContext& context) {
        return protocol_.make_session(std::move(client), context, *services_);
      });
  std::vector<bool> at_connect;
  for (const UniqueFd& listener : birth_.listeners) {
    const SocketAddress address = local_address(listener.get());
    services_->listeners.push_back(address);
    const bool is_ssl = config::is_ssl_port(*ssl_ports, address);
    at_connect.push_back(services_->tls != nullptr && is_ssl);
  }
  acceptor_ = std::make_unique<Acceptor>(
      loop_, log_, [this, limit] { return sessions_->size() < limit; },
      [this, at_connect](UniqueFd socket, const SocketAddress& peer, size_t listener) {
        accepted(std::move(socket), peer, services_->listeners[listener], at_connect[listener]);
      });
  for (UniqueFd& listener : birth_.listeners) acceptor_->listen_on(std::move(listener));
  return {};
}

void Worker::accepted(UniqueFd socket, const SocketAddress& peer, const SocketAddress& listener,
                      bool tls_at_connect) {
  ++services_->counters.accepted;
  SessionContext context(next_id_++, peer, services_->domains.others(), log_);
  context.listener = &listener;
  context.tls_at_connect = tls_at_connect;
  context.spoof_message = services_->spoof_message.get();
  context.trusted = !trusted_.empty() && trusted_.contains(peer);
  sessions_->start(Connection(loop_, std::move(socket)), std::move(context));
}

void Worker::take_ticket_keys(proto::TicketKeys keys) {
  Result<tls::TicketKeys> taken = ipc::take_ticket_keys(keys);
  if (!taken) {
    log_.write(LogLevel::error, 0, "new ticket keys: {}", taken.error().detail);
  } else if (services_->tls != nullptr) {
    services_->tls->set_ticket_keys(std::move(*taken));
  }
}

void Worker::handle(proto::ToWorker message, ipc::Descriptors descriptors) {
  switch (message.message_case()) {
    case proto::ToWorker::kDrain:
      drain(Seconds(message.drain().seconds()));
      break;
    case proto::ToWorker::kStatus:
      std::ignore = channel_.send(status());
      break;
    case proto::ToWorker::kLookup:
      lookups_.start(answer_lookup(message.lookup()));
      break;
    case proto::ToWorker::kTicketKeys:
      take_ticket_keys(std::move(*message.mutable_ticket_keys()));
      break;
    case proto::ToWorker::kStateLink:
      if (!descriptors.empty()) services_->shared.connect(std::move(descriptors.front()));
      break;
    case proto::ToWorker::kNewLog:
      if (!descriptors.empty()) log_.set_file(std::move(descriptors.front()));
      break;
    default:
      break;  // a newer supervisor may say more than we know
  }
}

proto::FromWorker Worker::status() const {
  proto::FromWorker reply;
  proto::Status& status = *reply.mutable_status();
  status.set_sessions(sessions_->size());
  status.set_accepted(services_->counters.accepted);
  status.set_logins(services_->counters.logins);
  status.set_failures(services_->counters.failures);
  status.set_memory_bytes(resident_bytes());
  return reply;
}

Task<> Worker::answer_lookup(proto::LookupQuery query) {
  LookupQuestion question;
  question.user = query.user();
  question.client_ip = query.client_ip();
  question.local_ip = query.local_ip();
  const LookupAnswer found = co_await explain_lookup(std::move(question), *services_);
  proto::FromWorker reply;
  proto::LookupAnswer& answer = *reply.mutable_lookup();
  answer.set_id(query.id());
  answer.mutable_report()->set_found(found.found);
  for (const directory::Step& step : found.steps) {
    proto::LookupStep& line = *answer.mutable_report()->add_steps();
    line.set_what(step.what);
    line.set_value(step.value);
  }
  std::ignore = channel_.send(reply);
}

void Worker::drain(Millis limit) {
  const Millis leave_at = loop_.now() + limit;
  if (draining_ && leave_at >= leave_at_) return;
  leave_at_ = leave_at;
  draining_ = true;
  acceptor_->close();
  services_->stapler.reset();
  prober_.reset();
  log_.write(LogLevel::notice, 0, "{}({}): draining, {} sessions", birth_.log_name, birth_.service,
             sessions_->size());
  leave_.start(
      limit, [](void* self) { static_cast<Worker*>(self)->ask_to_leave(); }, this);
}

void Worker::ask_to_leave() {
  sessions_->interrupt_all();
  leave_.start(
      leave_time, [](void* self) { static_cast<Worker*>(self)->sessions_->destroy_all(); }, this);
}

void Worker::stop_when_empty() {
  if (!draining_ || sessions_->size() != 0) return;
  draining_ = false;
  leave_.stop();
  log_.write(LogLevel::notice, 0, "{}({}): exiting", birth_.log_name, birth_.service);
  proto::FromWorker last;
  last.mutable_drained();
  std::ignore = channel_.send(last);
  loop_.stop();
}

// The life of the process: birth, then messages until the supervisor is gone. `worker` is filled in
// at birth. Ends with an Error only before the worker is ready.
Task<> live(Loop& loop, ipc::ToSupervisorChannel& channel, WorkerProtocol protocol,
            std::unique_ptr<Worker>& worker) {
  ipc::Birthright birth = co_await ipc::receive_birth(channel);
  worker = std::make_unique<Worker>(loop, channel, std::move(birth), std::move(protocol));
  const Result<> opened = worker->open();
  proto::FromWorker answer;
  if (!opened) {
    answer.mutable_failed()->set_reason(opened.error().detail);
    std::ignore = channel.send(answer);
    co_await fail(opened.error());
  }
  answer.mutable_ready();
  std::ignore = channel.send(answer);
  for (;;) {
    auto received = co_await attempt(channel.receive());
    if (!received) break;
    worker->handle(std::move(received->message), std::move(received->descriptors));
  }
  // Without a supervisor nobody would replace this process or tell it to end.
  worker->drain(worker->drain_time());
}

}  // namespace

int run_worker(WorkerProtocol protocol) {
  // Stopping is the supervisor's business, also when a terminal signals the whole group.
  for (const int ignored : {SIGPIPE, SIGINT, SIGHUP}) signal(ignored, SIG_IGN);
  Loop loop;
  ipc::ToSupervisorChannel channel(loop, UniqueFd(ipc::channel_descriptor));
  std::unique_ptr<Worker> worker;
  Task<> life = live(loop, channel, std::move(protocol), worker);
  life.start();
  const auto failed = [&life] { return life.finished() && !life.result(); };
  BeforeWait watch(loop, [&] {
    if (failed()) loop.stop();
  });
  loop.run();
  const bool born = !failed();
  life.destroy();
  worker.reset();
  return born ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace openmmp::proxy
