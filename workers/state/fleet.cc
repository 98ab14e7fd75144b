#include "workers/state/fleet.h"

#include <fmt/format.h>

#include <algorithm>

#include "ipc/runtime/random.h"
#include "workers/proxy/dial.h"

namespace openmmp::state {

namespace {

constexpr size_t member_bytes = 16;
// News that wait for the server to take them.
constexpr size_t most_news = 10'000;
constexpr int most_facts_a_message = 1000;
constexpr int64_t latest_clock = int64_t{1} << 53;
// Facts that are read from a server at once, and pages: one that goes on for ever is none.
constexpr size_t most_read = 1'000'000;

// Whether `fact` is to be kept in place of `other`.
bool is_younger(const Fact& fact, const Fact& other) { return time_of(fact) >= time_of(other); }

// As many as are put at once.
Facts take_some(Facts& facts) {
  Facts some;
  while (!facts.empty() && some.size() < FleetStore::most_put) {
    some.insert(facts.extract(facts.begin()));
  }
  return some;
}

}  // namespace

Result<std::unique_ptr<Fleet>> Fleet::create(Loop& loop, Log& log,
                                             const proto::FleetOptions& options, Instance instance,
                                             FleetTimes times) {
  auto fleet = std::make_unique<Fleet>(loop, log, std::move(instance), times);
  bool any_tls = false;
  for (const std::string& text : options.servers()) {
    Result<config::RedisUrl> url = config::parse_redis_url(text);
    if (!url) return fail(url.error());
    any_tls = any_tls || url->tls;
    fleet->servers_.push_back(std::move(*url));
  }
  if (fleet->servers_.empty()) return fail(Errc::refused, "SharedState names no server");
  fleet->identity_.prefix = options.prefix();
  fleet->password_ = Secret::copy_of(options.password());
  if (any_tls) {
    tls::ClientOptions tls;
    tls.authorities = options.authorities();
    auto context = tls::ClientContext::create(std::move(tls));
    if (!context) return fail(context.error());
    fleet->tls_ = std::move(*context);
  }
  fleet->life_.emplace(fleet->live());
  fleet->life_->start();
  return fleet;
}

Fleet::Fleet(Loop& loop, Log& log, Instance instance, FleetTimes times)
    : loop_(loop),
      log_(log),
      instance_(std::move(instance)),
      times_(times),
      resolver_(loop),
      wake_(loop),
      beating_(loop) {
  identity_.member = random_bytes(member_bytes).reveal_string();
  dialing_.connect_timeout = times.connect;
}

Fleet::~Fleet() = default;

void Fleet::tell(const Fact& fact) {
  if (!gathers_) return;
  if (news_.size() >= most_news) {
    untold_ = true;
    return;
  }
  const auto [known, added] = news_.try_emplace(name_of(fact), fact);
  if (!added && is_younger(fact, known->second)) known->second = fact;
  wake_.wake_all();
}

// Ends with its owner only.
Task<> Fleet::live() {
  for (Millis pause = times_.shortest_pause;; pause = std::min(2 * pause, times_.longest_pause)) {
    const Millis began = loop_.now();
    std::string reasons;
    bool was_connected = false;
    for (size_t i = 0; i < servers_.size() && !was_connected; ++i) {
      const Result<> served = co_await attempt(serve(i));
      was_connected = connected();
      note_away(servers_[i], served.error().detail);
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", servers_[i].to_string(),
                             served.error().detail);
    }
    say_away(reasons);
    if (was_connected && loop_.now() - began > times_.longest_pause) pause = times_.shortest_pause;
    Sleep nap(loop_, pause);
    co_await nap;
  }
}

// Never ends well.
Task<> Fleet::serve(size_t server) {
  const config::RedisUrl& url = servers_[server];
  RedisConnection events = co_await open(url, times_.beat + times_.patience);
  co_await subscribe(events, identity_.channel());
  RedisConnection commands = co_await open(url, times_.patience);
  clock_ = FleetClock();
  FleetStore store(loop_, std::move(commands), identity_, clock_);
  co_await store.join();
  // From here on, because what is published while the rest is read is not in what is read.
  Task<> listening = listen(events);
  listening.start(wake, this);
  Task<> looking = look_back(server);
  looking.start(wake, this);
  gathers_ = true;
  co_await synchronize(store);
  note_connected(url);
  co_await keep_up(store, listening, looking);
}

Task<> Fleet::keep_up(FleetStore& store, Task<>& listening, Task<>& looking) {
  for (Millis next_beat = loop_.now();;) {
    if (listening.finished()) co_await fail(listening.result().error());
    if (looking.finished()) co_await fail(Errc::unavailable, "an earlier server is there again");
    if (loop_.now() >= next_beat) {
      next_beat = loop_.now() + times_.beat;
      const bool remembered = co_await store.beat();
      if (remembered) continue;
      log_.write(LogLevel::notice, 0, "shared state: {} was emptied, and is filled again",
                 status_.server());
      co_await store.join();
      untold_ = true;
    } else if (std::exchange(untold_, false)) {
      news_.clear();
      co_await synchronize(store);
    } else if (!news_.empty()) {
      co_await store.put(take_some(news_));
    } else {
      beating_.start(next_beat - loop_.now(), wake, this);
      co_await wake_.wait();
    }
  }
}

// What is there and here is compared: the younger of two is learnt, or put there.
Task<> Fleet::synchronize(FleetStore& store) {
  Facts ours = instance_.known();
  std::string cursor = "0";
  const size_t odd_before = store.odd();
  for (size_t read = 0; read < most_read;) {
    const FleetStore::Page page = co_await store.read_page(cursor);
    compare(page.facts, ours);
    if (page.last) break;
    read += 1 + page.facts.size();
    cursor = page.cursor;
  }
  if (store.odd() > odd_before) {
    log_.write(LogLevel::warning, 0, "shared state: {} keys below {} hold nothing of ours",
               store.odd() - odd_before, identity_.prefix);
  }
  while (!ours.empty()) co_await store.put(take_some(ours));
}

// Leaves of `ours` what is not known there.
void Fleet::compare(const Facts& theirs, Facts& ours) {
  for (const auto& [name, fact] : theirs) {
    const auto known = ours.find(name);
    if (known == ours.end()) {
      instance_.learn(fact);
      continue;
    }
    const bool agreed = same(known->second, fact);
    const bool is_news = !agreed && time_of(known->second) < time_of(fact);
    if (is_news) instance_.learn(fact);
    if (agreed || is_news) ours.erase(known);
  }
}

Task<> Fleet::listen(RedisConnection& events) {
  for (;;) {
    // Our own beats come, too: a silence is a server that hangs.
    const proto::FleetMessage message = co_await next_message(events);
    hear(message);
  }
}

void Fleet::hear(const proto::FleetMessage& message) {
  const int64_t clock = message.clock();
  const bool plausible = message.sender().size() == member_bytes && clock >= 0 &&
                         clock <= latest_clock && message.facts_size() <= most_facts_a_message;
  if (!plausible || message.sender() == identity_.member) return;
  const Millis then = clock_.to_ours(Millis(clock));
  for (const proto::FleetFact& said : message.facts()) {
    const Result<Fact> fact = read_fact(said, then, loop_.now());
    if (fact && fact->expires > loop_.now()) instance_.learn(*fact);
  }
}

// Ends well when a server that comes before this one takes what is written again: members of a
// fleet that stay with different ones would not hear each other.
Task<> Fleet::look_back(size_t server) {
  for (;;) {
    Sleep nap(loop_, times_.look_back);
    co_await nap;
    for (size_t i = 0; i < server; ++i) {
      Result<RedisConnection> opened = co_await attempt(open(servers_[i], times_.patience));
      if (!opened) continue;
      FleetClock clock;
      FleetStore store(loop_, std::move(*opened), identity_, clock);
      const Result<> joined = co_await attempt(store.join());
      if (joined) co_return;
    }
  }
}

Task<RedisConnection> Fleet::open(const config::RedisUrl& url, Millis patience) {
  proxy::Connection connection = co_await proxy::dial(loop_, resolver_, url.host, dialing_);
  if (url.tls) {
    connection.deadline(times_.patience, "TLS handshake");
    co_await connection.begin_tls(tls_->connect(url.host), true);
  }
  RedisConnection redis(std::move(connection), patience);
  co_await introduce(redis, url);
  co_return std::move(redis);
}

Task<> Fleet::introduce(RedisConnection& connection, const config::RedisUrl& url) {
  if (!password_.empty()) {
    RedisConnection::Words words;
    words.reserve(3);  // a vector that grows leaves copies behind
    words.push_back("AUTH");
    if (!url.user.empty()) words.push_back(url.user);
    words.push_back(password_.reveal_string());
    co_await connection.ask(std::move(words));
  }
  if (url.database != 0) {
    const RedisConnection::Words words{"SELECT", std::to_string(url.database)};
    co_await connection.ask(words);
  }
}

void Fleet::note_connected(const config::RedisUrl& url) {
  said_away_ = false;
  log_.write(LogLevel::notice, 0, "shared state: connected to {}", url.to_string());
  status_.set_connected(true);
  status_.set_server(url.to_string());
  status_.set_since(loop_.now().count());
  status_.clear_reason();
  instance_.stands(status_);
}

void Fleet::note_away(const config::RedisUrl& url, const std::string& reason) {
  if (connected() || status_.since() == 0) status_.set_since(loop_.now().count());
  const bool is_news = connected() || status_.reason() != reason;
  status_.set_connected(false);
  status_.set_server(url.to_string());
  status_.set_reason(reason);
  gathers_ = false;
  news_.clear();
  untold_ = false;
  if (is_news) instance_.stands(status_);
}

void Fleet::say_away(const std::string& reasons) {
  if (std::exchange(said_away_, true)) return;
  log_.write(LogLevel::warning, 0, "shared state is away, this instance goes on by itself: {}",
             reasons);
}

}  // namespace openmmp::state
