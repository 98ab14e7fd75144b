#include "workers/directory/ldap_binder.h"

#include <fmt/format.h>

#include <algorithm>

#include "ipc/runtime/poll_handle.h"

namespace openmmp::directory {

namespace {
constexpr size_t max_queued = 1024;
}  // namespace

// One bind, in the frame of the coroutine that waits for it: in the queue, on its connection, or
// done and in the loop's list.
class LdapBinder::Bind : public Waiter {
 public:
  Bind(LdapBinder& binder, std::string d, Secret p)
      : dn(std::move(d)), password(std::move(p)), binder_(binder), deadline_(binder.loop_) {}
  ~Bind();

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    handle = waiting;
    deadline_.start(
        binder_.access_.timeout, [](void* self) { static_cast<Bind*>(self)->time_out(); }, this);
    binder_.submit(*this);
  }
  Result<> await_resume() { return std::move(*result_); }

  // The waiting coroutine goes on soon, never from inside the caller.
  void finish(Result<> result);

  const std::string dn;
  const Secret password;
  Connection* connection = nullptr;
  bool queued = false;
  bool retried = false;

 private:
  void time_out();

  LdapBinder& binder_;
  Timer deadline_;
  std::optional<Result<>> result_;
};

class LdapBinder::Connection {
 public:
  Connection(LdapBinder& binder, LdapClient client)
      : binder_(binder),
        client_(std::move(client)),
        opened_(binder.loop_.now()),
        patience_(binder.loop_) {
    poll_ = PollHandle(binder.loop_, client_.take_descriptor());
    poll_.set_owner(this, [](void* self, int) { static_cast<Connection*>(self)->receive(); });
    poll_.watch(PollHandle::readable);
  }

  Result<> send(Bind& bind);
  // Nobody waits for the answer any more. It must be waited for nevertheless: a bind cannot be
  // taken back, and clients that leave must not cost a connection each.
  void abandon();
  // The bind that is under way and that somebody waits for, or null; it is the connection's no
  // more.
  Bind* release();

  const std::string& server() const { return client_.server(); }
  bool is_busy() const { return busy_; }
  Millis opened() const { return opened_; }
  bool retired = false;  // gets no new binds

 private:
  void receive();
  void handle(const LdapClient::Message& message);

  LdapBinder& binder_;
  LdapClient client_;
  PollHandle poll_;  // must go before the client
  Millis opened_;
  Timer patience_;  // with an answer that nobody waits for
  bool busy_ = false;
  int number_ = 0;  // of the bind under way
  Bind* bind_ = nullptr;
};

LdapBinder::Bind::~Bind() {
  if (queued) --binder_.queued_;
  if (connection != nullptr) connection->abandon();
}

void LdapBinder::Bind::finish(Result<> result) {
  if (queued) --binder_.queued_;
  queued = false;
  deadline_.stop();
  result_ = std::move(result);
  binder_.loop_.resume_soon(*this);
}

void LdapBinder::Bind::time_out() {
  const auto seconds = std::chrono::duration<double>(binder_.access_.timeout).count();
  if (connection == nullptr) {
    finish(fail(Errc::unavailable,
                fmt::format("no connection for a bind to a directory within {} s", seconds)));
    return;
  }
  Connection& silent = *std::exchange(connection, nullptr);
  silent.release();
  Error error(Errc::unavailable,
              fmt::format("{}: no answer to a bind within {} s", silent.server(), seconds));
  finish(fail(error));
  binder_.lose(silent, error);
  binder_.dispatch();
}

Result<> LdapBinder::Connection::send(Bind& bind) {
  const Result<int> number = client_.start_bind(bind.dn, bind.password);
  if (!number) return fail(number.error());
  busy_ = true;
  number_ = *number;
  bind_ = &bind;
  bind.unlink();
  bind.connection = this;
  return {};
}

void LdapBinder::Connection::abandon() {
  release();
  patience_.start(
      binder_.access_.timeout,
      [](void* argument) {
        auto& self = *static_cast<Connection*>(argument);
        LdapBinder& binder = self.binder_;
        binder.lose(self, Error(Errc::timeout, self.server() + ": no answer to a bind"));
        binder.dispatch();
      },
      this);
}

LdapBinder::Bind* LdapBinder::Connection::release() { return std::exchange(bind_, nullptr); }

void LdapBinder::Connection::receive() {
  LdapBinder& binder = binder_;
  for (;;) {
    Result<std::optional<LdapClient::Message>> message = client_.receive();
    if (!message) {
      binder.lose(*this, message.error());
      break;
    }
    if (!*message) break;
    handle(**message);
  }
  binder.dispatch();  // which may destroy this
}

void LdapBinder::Connection::handle(const LdapClient::Message& message) {
  if (!busy_ || message.search != number_) return;
  busy_ = false;
  patience_.stop();
  Bind* const bind = release();
  if (bind == nullptr) return;
  bind->connection = nullptr;
  bind->finish(message.end);
}

LdapBinder::LdapBinder(Loop& loop, LdapAccess access, size_t connections, Millis refresh, Log& log,
                       Millis retry_pause)
    : loop_(loop),
      access_(std::move(access)),
      size_(std::max<size_t>(connections, 1)),
      refresh_(refresh),
      log_(log),
      opener_(loop, log, access_, retry_pause, " for binds", owner()) {}

LdapBinder::~LdapBinder() = default;

LdapOpener::Owner LdapBinder::owner() {
  LdapOpener::Owner owner;
  owner.wants_one = [this] { return wants_connection(); };
  owner.take = [this](LdapClient opened, bool was_away) { take(std::move(opened), was_away); };
  owner.settle = [this] { settle(); };
  return owner;
}

Task<> LdapBinder::check(std::string dn, Secret password) {
  if (dn.empty() || password.empty()) co_await fail(Errc::refused, "an empty name or password");
  Bind bind(*this, std::move(dn), std::move(password));
  const Result<> result = co_await bind;
  co_await result;
}

void LdapBinder::submit(Bind& bind) {
  if (queued_ >= max_queued) {
    bind.finish(
        fail(Errc::unavailable, fmt::format("{} binds wait for the directory already", queued_)));
    return;
  }
  bind.queued = true;
  ++queued_;
  queue_.push_back(bind);
  dispatch();
}

// Sends what can be sent, and sees to it that there are connections.
void LdapBinder::dispatch() {
  std::erase_if(connections_, [](const std::unique_ptr<Connection>& connection) {
    return connection->retired && !connection->is_busy();
  });
  while (!queue_.empty()) {
    Connection* const connection = idle();
    if (connection == nullptr) break;
    send(queue_.front(), *connection);
  }
  opener_.look_for_work();
  if (!opener_.is_opening()) settle();
}

void LdapBinder::send(Bind& bind, Connection& connection) {
  const Result<> sent = connection.send(bind);
  if (sent) {
    bind.queued = false;
    --queued_;
    return;
  }
  const bool is_lost = sent.error().code == Errc::closed;
  const bool again = is_lost && !std::exchange(bind.retried, true);
  if (!again) bind.finish(fail(Errc::unavailable, sent.error().detail));
  if (is_lost) lose(connection, sent.error());
}

LdapBinder::Connection* LdapBinder::idle() const {
  for (const auto& connection : connections_) {
    if (!connection->retired && !connection->is_busy()) return connection.get();
  }
  return nullptr;
}

size_t LdapBinder::usable() const {
  return static_cast<size_t>(
      std::count_if(connections_.begin(), connections_.end(),
                    [](const auto& connection) { return !connection->retired; }));
}

bool LdapBinder::is_expired(const Connection& connection) const {
  return loop_.now() - connection.opened() >= refresh_;
}

bool LdapBinder::wants_connection() const {
  const bool any_expired = std::any_of(
      connections_.begin(), connections_.end(),
      [this](const auto& connection) { return !connection->retired && is_expired(*connection); });
  return any_expired || (!queue_.empty() && usable() < size_);
}

void LdapBinder::take(LdapClient opened, bool was_away) {
  log_.write(was_away ? LogLevel::notice : LogLevel::info, 0,
             "directory: connected to {} for binds", opened.server());
  for (const auto& connection : connections_) {
    if (is_expired(*connection)) connection->retired = true;
  }
  connections_.push_back(std::make_unique<Connection>(*this, std::move(opened)));
  dispatch();
}

// Nothing may stay in the queue that nobody works on.
void LdapBinder::settle() {
  if (usable() != 0 || queue_.empty()) return;
  const std::string detail = "no directory server can be reached: " + opener_.last_failure().detail;
  queue_.for_each([&detail](Bind& bind) { bind.finish(fail(Errc::unavailable, detail)); });
}

void LdapBinder::lose(Connection& connection, const Error& error) {
  opener_.note_loss();
  // A server may close what it thinks is idle.
  log_.write(connection.is_busy() ? LogLevel::warning : LogLevel::info, 0,
             "directory: connection for binds lost: {}", error.detail);
  // The others to that server are most likely about to end too.
  for (const auto& other : connections_) {
    if (other->server() == connection.server()) other->retired = true;
  }
  if (Bind* const bind = connection.release()) {
    bind->connection = nullptr;
    if (std::exchange(bind->retried, true)) {
      bind->finish(fail(Errc::unavailable, error.detail));
    } else {
      bind->queued = true;
      ++queued_;
      queue_.push_back(*bind);
    }
  }
  std::erase_if(connections_, [&connection](const std::unique_ptr<Connection>& candidate) {
    return candidate.get() == &connection;
  });
}

}  // namespace openmmp::directory
