#include "workers/directory/ldap_pool.h"

#include <fmt/format.h>

#include <algorithm>

#include "ipc/runtime/poll_handle.h"

namespace openmmp::directory {

namespace {
// slapd closes an anonymous connection with more than 100 requests pending (conn_max_pending).
constexpr size_t max_in_flight = 64;
// With this many in flight on each connection it is worth opening one more.
constexpr size_t busy = 8;
constexpr size_t max_queued = 4096;
}  // namespace

// One search, in the frame of the coroutine that waits for it: in the pool's queue, in its
// connection's list, or done and in the loop's.
class LdapPool::Search : public Waiter {
 public:
  Search(LdapPool& pool, SearchRequest r)
      : request(std::move(r)), pool_(pool), deadline_(pool.loop_) {}
  ~Search();

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    handle = waiting;
    deadline_.start(
        pool_.options_.access.timeout, [](void* self) { static_cast<Search*>(self)->time_out(); },
        this);
    pool_.submit(*this);
  }
  Result<SearchAnswer> await_resume() { return std::move(*result_); }

  void add(const LdapClient& client, const LdapClient::Message& message);
  // The waiting coroutine goes on soon, never from inside the caller.
  void finish(Result<SearchAnswer> result);

  const SearchRequest request;
  SearchAnswer answer;  // so far
  Connection* connection = nullptr;
  int number = 0;  // on that connection
  bool queued = false;
  bool retried = false;
  uint64_t sent_after = 0;  // what the connection had received when this was sent

 private:
  void time_out();

  LdapPool& pool_;
  Timer deadline_;
  std::optional<Result<SearchAnswer>> result_;
};

class LdapPool::Connection {
 public:
  Connection(LdapPool& pool, LdapClient client)
      : pool_(pool), client_(std::move(client)), opened_(pool.loop_.now()) {
    poll_ = PollHandle(pool.loop_, client_.take_descriptor());
    poll_.set_owner(this, [](void* self, int) { static_cast<Connection*>(self)->receive(); });
    poll_.watch(PollHandle::readable);
  }

  Result<> send(Search& search);
  // Forgets a search that is under way.
  void withdraw(Search& search);
  // Ends all searches by calling end(search).
  template <class End>
  void empty(End end) {
    searches_.for_each([&](Search& search) {
      search.unlink();
      search.connection = nullptr;
      --in_flight_;
      end(search);
    });
  }

  const std::string& server() const { return client_.server(); }
  size_t in_flight() const { return in_flight_; }
  Millis opened() const { return opened_; }
  bool has_heard_since(const Search& search) const { return received_ != search.sent_after; }
  bool retired = false;  // gets no new searches

 private:
  void receive();
  void handle(LdapClient::Message message);

  LdapPool& pool_;
  LdapClient client_;
  PollHandle poll_;  // must go before the client
  Millis opened_;
  LinkedList<Search> searches_;
  size_t in_flight_ = 0;
  uint64_t received_ = 0;
};

LdapPool::Search::~Search() {
  if (queued) --pool_.queued_;
  if (connection == nullptr) return;
  connection->withdraw(*this);
  pool_.dispatch();
}

void LdapPool::Search::add(const LdapClient& client, const LdapClient::Message& message) {
  if (answer.entries.size() == 2) return;
  answer.entries.push_back(request.is_secret ? client.read_secrets(message, answer.secrets)
                                             : client.read_entry(message));
}

void LdapPool::Search::finish(Result<SearchAnswer> result) {
  if (queued) --pool_.queued_;
  queued = false;
  deadline_.stop();
  result_ = std::move(result);
  pool_.loop_.resume_soon(*this);
}

void LdapPool::Search::time_out() {
  const auto seconds = std::chrono::duration<double>(pool_.options_.access.timeout).count();
  if (connection == nullptr) {
    finish(
        fail(Errc::unavailable, fmt::format("no connection to a directory within {} s", seconds)));
    return;
  }
  Connection& silent = *connection;
  silent.withdraw(*this);
  finish(
      fail(Errc::unavailable, fmt::format("{}: no answer within {} s", silent.server(), seconds)));
  // Not one byte in all this time: nothing more is to be expected from it.
  if (!silent.has_heard_since(*this)) pool_.retire(silent);
  pool_.dispatch();
}

Result<> LdapPool::Connection::send(Search& search) {
  const Result<int> number = client_.start_search(search.request);
  if (!number) return fail(number.error());
  search.number = *number;
  search.connection = this;
  search.sent_after = received_;
  searches_.push_back(search);
  ++in_flight_;
  return {};
}

void LdapPool::Connection::withdraw(Search& search) {
  client_.abandon(search.number);
  search.unlink();
  search.connection = nullptr;
  --in_flight_;
}

void LdapPool::Connection::receive() {
  for (;;) {
    Result<std::optional<LdapClient::Message>> message = client_.receive();
    if (!message) {
      LdapPool& pool = pool_;
      pool.lose(*this, message.error());
      pool.dispatch();
      return;
    }
    if (!*message) break;
    ++received_;
    handle(std::move(**message));
  }
  pool_.dispatch();
}

void LdapPool::Connection::handle(LdapClient::Message message) {
  Search* found = nullptr;
  searches_.for_each([&](Search& search) {
    if (search.number == message.search) found = &search;
  });
  if (found == nullptr) return;  // abandoned in the meantime
  if (message.entry) {
    found->add(client_, message);
    return;
  }
  found->unlink();
  found->connection = nullptr;
  --in_flight_;
  const bool is_missing = !message.end && message.end.error().code == Errc::refused;
  if (!message.end && !(is_missing && found->request.base_may_be_missing)) {
    found->finish(fail(Errc::unavailable, std::move(message.end.error().detail)));
    return;
  }
  found->answer.source = server();
  found->finish(std::move(found->answer));
}

LdapPool::LdapPool(Loop& loop, LdapPoolOptions options, Log& log)
    : loop_(loop),
      options_(std::move(options)),
      log_(log),
      opener_(loop, log, options_.access, options_.retry_pause, "", owner()) {}

LdapPool::~LdapPool() = default;

LdapOpener::Owner LdapPool::owner() {
  LdapOpener::Owner owner;
  owner.wants_one = [this] { return wants_connection(); };
  owner.take = [this](LdapClient opened, bool was_away) { take(std::move(opened), was_away); };
  owner.settle = [this] { settle(); };
  return owner;
}

Task<SearchAnswer> LdapPool::search(SearchRequest request) {
  Search search(*this, std::move(request));
  co_return co_await search;
}

void LdapPool::submit(Search& search) {
  if (queued_ >= max_queued) {
    search.finish(fail(Errc::unavailable,
                       fmt::format("{} look-ups wait for the directory already", queued_)));
    return;
  }
  search.queued = true;
  ++queued_;
  queue_.push_back(search);
  dispatch();
}

// Sends what can be sent, and sees to it that there are connections.
void LdapPool::dispatch() {
  std::erase_if(connections_, [](const std::unique_ptr<Connection>& connection) {
    return connection->retired && connection->in_flight() == 0;
  });
  while (!queue_.empty()) {
    Connection* connection = least_busy();
    if (connection == nullptr || connection->in_flight() >= max_in_flight) break;
    send(queue_.front(), *connection);
  }
  opener_.look_for_work();
  if (!opener_.is_opening()) settle();
}

// The search leaves the queue, or the connection the pool.
void LdapPool::send(Search& search, Connection& connection) {
  const Result<> sent = connection.send(search);
  if (sent) {
    search.queued = false;
    --queued_;
    return;
  }
  const bool is_lost = sent.error().code == Errc::closed;
  const bool again = is_lost && !std::exchange(search.retried, true);
  if (!again) search.finish(fail(Errc::unavailable, sent.error().detail));
  if (is_lost) lose(connection, sent.error());
}

LdapPool::Connection* LdapPool::least_busy() const {
  Connection* best = nullptr;
  for (const auto& connection : connections_) {
    if (connection->retired) continue;
    if (best == nullptr || connection->in_flight() < best->in_flight()) best = connection.get();
  }
  return best;
}

bool LdapPool::is_expired(const Connection& connection) const {
  return loop_.now() - connection.opened() >= options_.refresh;
}

bool LdapPool::wants_connection() const {
  const Connection* best = least_busy();
  if (best == nullptr) return !queue_.empty();
  const bool any_expired = std::any_of(
      connections_.begin(), connections_.end(),
      [this](const auto& connection) { return !connection->retired && is_expired(*connection); });
  return any_expired || (best->in_flight() >= busy && connections_.size() < options_.size);
}

void LdapPool::take(LdapClient opened, bool was_away) {
  log_.write(LogLevel::info, 0, "directory: connected to {}", opened.server());
  if (was_away) log_.write(LogLevel::notice, 0, "directory: {} answers", opened.server());
  for (const auto& connection : connections_) {
    if (is_expired(*connection)) connection->retired = true;
  }
  connections_.push_back(std::make_unique<Connection>(*this, std::move(opened)));
  dispatch();
}

// Nothing may stay in the queue that nobody works on.
void LdapPool::settle() {
  if (least_busy() != nullptr || queue_.empty()) return;
  const std::string detail = "no directory server can be reached: " + opener_.last_failure().detail;
  queue_.for_each([&detail](Search& search) { search.finish(fail(Errc::unavailable, detail)); });
}

void LdapPool::retire(Connection& connection) {
  log_.write(LogLevel::warning, 0, "directory: {} does not answer", connection.server());
  connection.retired = true;
}

void LdapPool::lose(Connection& connection, const Error& error) {
  opener_.note_loss();
  // A server may close what it thinks is idle.
  const LogLevel level = connection.in_flight() > 0 ? LogLevel::warning : LogLevel::info;
  log_.write(level, 0, "directory: connection lost: {}", error.detail);
  // The others to that server are most likely about to end too, and a search must not be sent from
  // one dying connection to the next.
  for (const auto& other : connections_) {
    if (other->server() == connection.server()) other->retired = true;
  }
  connection.empty([this, &error](Search& search) {
    if (search.retried) {
      search.finish(fail(Errc::unavailable, error.detail));
      return;
    }
    search.retried = true;
    search.answer = SearchAnswer();
    search.queued = true;
    ++queued_;
    queue_.push_back(search);
  });
  std::erase_if(connections_, [&connection](const std::unique_ptr<Connection>& candidate) {
    return candidate.get() == &connection;
  });
}

}  // namespace openmmp::directory
