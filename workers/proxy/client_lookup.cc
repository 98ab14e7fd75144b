#include "workers/proxy/client_lookup.h"

#include <ares.h>
#include <netdb.h>

#include <algorithm>
#include <list>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "config/access_filter.h"
#include "ipc/runtime/linked_list.h"
#include "ipc/runtime/poll_handle.h"
#include "ipc/runtime/text.h"

namespace openmmp::proxy {
namespace {

// Of one question to one server, doubled for its one repetition.
constexpr int query_time = 1500;
// The system's settings are read anew after this time, when nothing is under way.
constexpr Seconds settings_time{60};

// Candidates for the name, the canonical one first: an alias in a hosts file is often short.
std::vector<std::string> names_of(const hostent& host) {
  std::vector<std::string> names;
  const auto add = [&names](const char* name) {
    std::string lower = lower_case(name);
    const bool known = std::find(names.begin(), names.end(), lower) != names.end();
    if (!known && names.size() < ClientLookup::most_names) names.push_back(std::move(lower));
  };
  if (host.h_name != nullptr) add(host.h_name);
  for (char** alias = host.h_aliases; alias != nullptr && *alias != nullptr; ++alias) add(*alias);
  return names;
}

bool contains(const ares_addrinfo& list, const SocketAddress& address) {
  for (const ares_addrinfo_node* node = list.nodes; node != nullptr; node = node->ai_next) {
    if (SocketAddress::from(node->ai_addr).ip_bytes() == address.ip_bytes()) return true;
  }
  return false;
}

// DNS says so, and does not merely fail to answer.
bool is_definite_no(int status) {
  return status == ARES_ENODATA || status == ARES_ENOTFOUND || status == ARES_EBADNAME;
}

const ClientName unknown{{}, false, true};

}  // namespace

// The channel of c-ares, its sockets on our loop, and who waits for what.
class ClientLookup::Queries {
 public:
  Queries(Loop& loop, std::string servers)
      : loop_(loop), servers_(std::move(servers)), timer_(loop) {}
  ~Queries() { close_channel(); }

  class Wait;
  struct Question {
    Question(Queries& q, const SocketAddress& c) : queries(q), client(c) {}
    Queries& queries;
    const SocketAddress client;
    LinkedList<Wait> waiting;
    bool running = false;
    std::vector<std::string> names;  // to be tried, the last one first
    bool unsure = false;             // about one of them DNS did not answer
  };
  // Null when there are too many.
  Question* question(const SocketAddress& client);
  void start(Question& question);

 private:
  struct Socket {
    Queries* queries = nullptr;
    PollHandle handle;
  };

  bool open_channel();
  void close_channel();
  void watch(int fd, int events);
  void process(int readable, int writable);
  void set_timer();
  void got_names(Question& question, int status, const hostent* host);
  void got_addresses(Question& question, int status, const ares_addrinfo* list);
  void try_next(Question& question);
  void finish(Question& question, const ClientName& answer);

  Loop& loop_;
  std::string servers_;
  ares_channel channel_ = nullptr;
  Millis opened_{0};
  std::map<int, Socket> sockets_;
  Timer timer_;
  std::list<Question> questions_;
};

// One who waits for an answer, for some time. Goes from the question's list to the loop's.
class ClientLookup::Queries::Wait : public Waiter {
 public:
  Wait(Queries& queries, Question& question, Millis time)
      : queries_(queries), question_(question), time_(time), timer_(queries.loop_) {}

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    handle = awaiting;
    question_.waiting.push_back(*this);
    timer_.start(
        time_, [](void* self) { static_cast<Wait*>(self)->finish(unknown); }, this);
    queries_.start(question_);
  }
  ClientName await_resume() { return std::move(answer_); }

  void finish(const ClientName& answer) {
    timer_.stop();
    answer_ = answer;
    queries_.loop_.resume_soon(*this);
  }

 private:
  Queries& queries_;
  Question& question_;  // until it is answered
  const Millis time_;
  Timer timer_;
  ClientName answer_;
};

ClientLookup::Queries::Question* ClientLookup::Queries::question(const SocketAddress& client) {
  const auto same = std::find_if(questions_.begin(), questions_.end(), [&](const Question& q) {
    return q.client.ip_bytes() == client.ip_bytes();
  });
  if (same != questions_.end()) return &*same;
  if (questions_.size() >= most_at_once || !open_channel()) return nullptr;
  return &questions_.emplace_back(*this, client);
}

// c-ares may answer before it returns.
void ClientLookup::Queries::start(Question& question) {
  if (question.running) return;
  question.running = true;
  const IpBytes ip = question.client.ip_bytes();
  const bool v4 = question.client.family() == AF_INET;
  const size_t skipped = v4 ? 12 : 0;
  ares_gethostbyaddr(
      channel_, ip.data() + skipped, static_cast<int>(ip.size() - skipped),
      question.client.family(),
      [](void* self, int status, int, hostent* host) {
        // Its Queries are being destroyed.
        if (status == ARES_EDESTRUCTION) return;
        Question& asked = *static_cast<Question*>(self);
        asked.queries.got_names(asked, status, host);
      },
      &question);
  set_timer();
}

void ClientLookup::Queries::got_names(Question& question, int status, const hostent* host) {
  if (status != ARES_SUCCESS || host == nullptr) return finish(question, {});
  question.names = names_of(*host);
  std::reverse(question.names.begin(), question.names.end());
  try_next(question);
}

// A name that no host can have is not looked up: it might be an address.
void ClientLookup::Queries::try_next(Question& question) {
  const auto is_no_host = [](const std::string& name) { return !config::is_host_name(name); };
  std::vector<std::string>& names = question.names;
  while (!names.empty() && is_no_host(names.back())) names.pop_back();
  if (names.empty()) {
    const ClientName none{{}, !question.unsure, question.unsure};
    return finish(question, none);
  }
  // Nobody is left to be told.
  if (question.waiting.empty()) return finish(question, unknown);
  ares_addrinfo_hints hints = {};
  hints.ai_family = question.client.family();
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(
      channel_, names.back().c_str(), nullptr, &hints,
      [](void* self, int status, int, ares_addrinfo* list) {
        if (status == ARES_EDESTRUCTION) return;
        Question& asked = *static_cast<Question*>(self);
        asked.queries.got_addresses(asked, status, list);
        if (list != nullptr) ares_freeaddrinfo(list);
      },
      &question);
}

void ClientLookup::Queries::got_addresses(Question& question, int status,
                                          const ares_addrinfo* list) {
  if (status == ARES_SUCCESS && list != nullptr && contains(*list, question.client)) {
    const ClientName verified{question.names.back(), false, false};
    return finish(question, verified);
  }
  question.unsure = question.unsure || (status != ARES_SUCCESS && !is_definite_no(status));
  question.names.pop_back();
  try_next(question);
}

void ClientLookup::Queries::finish(Question& question, const ClientName& answer) {
  question.waiting.for_each([&answer](Wait& wait) { wait.finish(answer); });
  questions_.remove_if([&question](const Question& q) { return &q == &question; });
}

bool ClientLookup::Queries::open_channel() {
  if (questions_.empty() && loop_.now() - opened_ >= settings_time) close_channel();
  if (channel_ != nullptr) return true;
  ares_options options = {};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  options.timeout = query_time;
  options.tries = 2;
  options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
    const int events =
        (readable != 0 ? PollHandle::readable : 0) | (writable != 0 ? PollHandle::writable : 0);
    static_cast<Queries*>(self)->watch(fd, events);
  };
  options.sock_state_cb_data = this;
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  // A test's servers are all that it wants to ask, not the hosts file too.
  std::string dns_only = "b";
  options.lookups = dns_only.data();
  if (!servers_.empty()) mask |= ARES_OPT_LOOKUPS;
  if (ares_init_options(&channel_, &options, mask) != ARES_SUCCESS) return false;
  opened_ = loop_.now();
  if (servers_.empty() || ares_set_servers_ports_csv(channel_, servers_.c_str()) == ARES_SUCCESS) {
    return true;
  }
  close_channel();
  return false;
}

void ClientLookup::Queries::close_channel() {
  timer_.stop();
  if (channel_ != nullptr) ares_destroy(std::exchange(channel_, nullptr));
}

// Called with no events before c-ares closes the socket, which is its own.
void ClientLookup::Queries::watch(int fd, int events) {
  const auto known = sockets_.find(fd);
  if (events == 0) {
    if (known == sockets_.end()) return;
    static_cast<void>(known->second.handle.release().release());
    sockets_.erase(known);
    return;
  }
  Socket& socket = sockets_[fd];
  if (known == sockets_.end()) {
    socket.queries = this;
    socket.handle = PollHandle(loop_, UniqueFd(fd));
    socket.handle.set_owner(&socket, [](void* self, int ready) {
      const Socket& one = *static_cast<Socket*>(self);
      const int number = one.handle.fd();
      one.queries->process((ready & PollHandle::readable) != 0 ? number : ARES_SOCKET_BAD,
                           (ready & PollHandle::writable) != 0 ? number : ARES_SOCKET_BAD);
    });
  }
  socket.handle.watch(events);
}

void ClientLookup::Queries::process(int readable, int writable) {
  ares_process_fd(channel_, readable, writable);
  set_timer();
}

void ClientLookup::Queries::set_timer() {
  timeval buffer = {};
  const timeval* const left = ares_timeout(channel_, nullptr, &buffer);
  if (left == nullptr) return timer_.stop();
  const Millis after(left->tv_sec * 1000 + left->tv_usec / 1000 + 1);
  timer_.start(
      after,
      [](void* self) { static_cast<Queries*>(self)->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); },
      this);
}

ClientLookup::ClientLookup(Loop& loop, std::string servers)
    : queries_(std::make_unique<Queries>(loop, std::move(servers))) {}
ClientLookup::~ClientLookup() = default;

Task<ClientName> ClientLookup::look_up(SocketAddress client, Millis time) {
  Queries::Question* const asked = queries_->question(client);
  if (asked == nullptr) co_return unknown;
  Queries::Wait wait(*queries_, *asked, time);
  ClientName name = co_await wait;
  co_return name;
}

}  // namespace openmmp::proxy
