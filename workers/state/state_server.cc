#include "workers/state/state_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "workers/proxy/state_messages.h"
#include "workers/state/state_link.h"

namespace openmmp::state {

namespace {

// A worker that does not read is tried again after this, and given up past so many messages.
constexpr Millis retry{5};
constexpr size_t most_pages = 100;
constexpr size_t max_service = 256;
// Until a worker says what its configuration wants.
constexpr size_t most_bad_guys = 10'000'000;
constexpr Seconds longest_decay{366 * 86400};

proxy::BadGuyRules widest_rules() {
  proxy::BadGuyRules rules;
  rules.most = most_bad_guys;
  rules.decay = longest_decay;
  rules.max_badness = proxy::max_badness;  // each worker has applied its own
  return rules;
}

proxy::BadGuyRules rules_of(const proto::WorkerHello& hello) {
  proxy::BadGuyRules rules = widest_rules();
  rules.most = std::min<size_t>(hello.bad_guys_limit(), rules.most);
  rules.decay = std::min(Seconds(hello.bad_guy_decay()), rules.decay);
  rules.linear = hello.bad_guys_fade();
  return rules;
}

proxy::StoreHealthRules store_rules_of(const proto::WorkerHello& hello) {
  proxy::StoreHealthRules rules;
  rules.failures = static_cast<int>(std::min(hello.store_failures(), 1'000'000u));
  rules.probe_interval =
      std::clamp(Millis(hello.store_probe_interval()), Millis(1), Millis(Seconds(86400)));
  rules.ramp_time = std::clamp(Millis(hello.store_ramp_time()), Millis(0), Millis(Seconds(86400)));
  return rules;
}

bool same(const proxy::BadGuyRules& a, const proxy::BadGuyRules& b) {
  return a.most == b.most && a.decay == b.decay && a.linear == b.linear;
}

bool same(const proxy::StoreHealthRules& a, const proxy::StoreHealthRules& b) {
  return a.failures == b.failures && a.probe_interval == b.probe_interval &&
         a.ramp_time == b.ramp_time;
}

}  // namespace

StateServer::StateServer(Loop& loop, Log& log)
    : loop_(loop),
      log_(log),
      bad_guy_rules_(widest_rules()),
      bad_guys_(bad_guy_rules_),
      stores_(store_rules_),
      telling_(loop),
      each_turn_(loop, [this] { reap(); }) {}

StateServer::~StateServer() = default;

void StateServer::add_worker(UniqueFd socket) {
  Link& link = links_.emplace_back(loop_, SeatRegister::LinkId{++last_link_}, std::move(socket));
  link.talk.emplace(talk(link));
  link.talk->start();
}

size_t StateServer::workers() const {
  return static_cast<size_t>(std::count_if(
      links_.begin(), links_.end(), [](const Link& link) { return link.greeted && !link.gone; }));
}

Task<> StateServer::talk(Link& link) {
  for (;;) {
    auto received = co_await attempt(link.channel.receive());
    Result<> heard = received ? hear(link, received->message) : fail(received.error());
    if (heard) continue;
    if (heard.error().code != Errc::closed) {
      log_.write(LogLevel::error, 0, "{} is not listened to any more: {}", link.name(),
                 heard.error().detail);
    }
    break;
  }
  link.gone = true;
  seats_.leave(link.id);
  tell_soon(Millis(0));
}

// Not from inside a Link's own coroutine.
void StateServer::reap() {
  links_.remove_if([](const Link& link) { return link.gone; });
}

Result<> StateServer::hear(Link& link, const proto::ToState& message) {
  if (link.gone) return fail(Errc::closed);
  if (message.has_hello() == link.greeted) {
    return fail(Errc::protocol, "its hello comes first, and once");
  }
  Result<> heard = message.has_hello() ? greet(link, message.hello()) : Result<>();
  if (heard) heard = hear_seats(link, message);
  if (heard) heard = hear_bad_guys(link, message);
  if (heard) heard = hear_stores(link, message);
  if (heard) heard = hear_relays(link, message);
  if (heard) heard = hear_logins(link, message);
  tell_soon(Millis(0));
  return heard;
}

Result<> StateServer::greet(Link& link, const proto::WorkerHello& hello) {
  if (hello.service().empty() || hello.service().size() > max_service) {
    return fail(Errc::protocol, "a service's name that is none");
  }
  link.hello = hello;
  link.greeted = true;
  seats_.join(link.id, hello.service());
  adopt_bad_guy_rules(hello);
  adopt_store_rules(hello);
  for (const proxy::BadGuy& entry : bad_guys_->entries()) {
    proxy::write_bad_guy(entry, *link.page().add_bad_guys());
  }
  for (const proxy::StoreEvent& event : stores_->events()) {
    proxy::write_store_event(event, *link.page().add_store_events());
  }
  for (const proxy::RelayEvent& event : relays_.events()) {
    proxy::write_relay_event(event, *link.page().add_relay_events());
  }
  for (const SeatRegister::Count& count : seats_.watched(hello.service())) {
    proto::KeyCount& told = *link.page().add_counts();
    told.set_key(count.key);
    told.set_count(count.count);
  }
  return {};
}

// All workers of a generation bring the same rules, and the newest generation's hold. Services that
// differ share the wider ones.
void StateServer::adopt_bad_guy_rules(const proto::WorkerHello& hello) {
  proxy::BadGuyRules rules = rules_of(hello);
  for (const Link& link : links_) {
    if (!link.greeted || link.gone || link.hello.generation() < hello.generation()) continue;
    const proxy::BadGuyRules others = rules_of(link.hello);
    rules.most = std::max(rules.most, others.most);
    rules.decay = std::max(rules.decay, others.decay);
  }
  if (same(rules, bad_guy_rules_)) return;
  const std::vector<proxy::BadGuy> known = bad_guys_->entries();
  bad_guy_rules_ = rules;
  bad_guys_.emplace(rules);
  for (const proxy::BadGuy& entry : known) bad_guys_->merge(entry, loop_.now());
}

void StateServer::adopt_store_rules(const proto::WorkerHello& hello) {
  const proxy::StoreHealthRules rules = store_rules_of(hello);
  if (same(rules, store_rules_)) return;
  const std::vector<proxy::StoreEvent> known = stores_->events();
  store_rules_ = rules;
  stores_.emplace(rules);
  for (const proxy::StoreEvent& event : known) stores_->apply(event);
}

Result<> StateServer::hear_seats(Link& link, const proto::ToState& message) {
  for (const uint64_t seat : message.seats_left()) seats_.give_back(link.id, seat);
  for (const proto::SeatTaken& taken : message.seats()) {
    const Result<bool> granted =
        seats_.take(link.id, taken.seat(), taken.key(), taken.limit(), taken.held());
    if (!granted) return fail(granted.error());
    if (*granted && !taken.asked()) continue;
    proto::Verdict& verdict = *link.page().add_verdicts();
    verdict.set_seat(taken.seat());
    verdict.set_granted(*granted);
  }
  return {};
}

Result<> StateServer::hear_bad_guys(Link& link, const proto::ToState& message) {
  for (const proto::BadGuy& said : message.bad_guys()) {
    const Result<proxy::BadGuy> entry = proxy::read_bad_guy(said, loop_.now());
    if (!entry) return fail(entry.error());
    bad_guys_->merge(*entry, loop_.now());
    spread(*entry, &link);
    share(*entry);
  }
  return {};
}

Result<> StateServer::hear_stores(Link& link, const proto::ToState& message) {
  for (const proto::StoreEvent& said : message.store_events()) {
    const Result<proxy::StoreEvent> event = proxy::read_store_event(said, loop_.now());
    if (!event) return fail(event.error());
    if (event->kind == proxy::StoreEvent::Kind::disabled ||
        event->kind == proxy::StoreEvent::Kind::enabled) {
      return fail(Errc::protocol, "it decides what is the operator's to decide");
    }
    stores_->apply(*event);
    spread(*event, &link);
  }
  return {};
}

void StateServer::spread(const proxy::BadGuy& entry, const Link* except) {
  changed_ = true;
  for (Link& link : links_) {
    if (&link != except && link.greeted) {
      proxy::write_bad_guy(entry, *link.page().add_bad_guys());
    }
  }
}

void StateServer::spread(const proxy::StoreEvent& event, const Link* except) {
  changed_ = true;
  for (Link& link : links_) {
    if (&link != except && link.greeted) {
      proxy::write_store_event(event, *link.page().add_store_events());
    }
  }
}

void StateServer::spread_counts() {
  std::set<std::string> services;
  for (const Link& link : links_) {
    if (link.greeted) services.insert(link.hello.service());
  }
  for (const std::string& service : services) {
    for (const SeatRegister::Count& count : seats_.take_changes(service)) {
      for (Link& link : links_) {
        if (!link.greeted || link.hello.service() != service) continue;
        proto::KeyCount& told = *link.page().add_counts();
        told.set_key(count.key);
        told.set_count(count.count);
      }
    }
  }
}

void StateServer::tell_soon(Millis time) {
  if (telling_.active() && time > Millis(0)) return;
  telling_.start(
      time, [](void* self) { static_cast<StateServer*>(self)->tell(); }, this);
}

// Once for all that was heard meanwhile.
void StateServer::tell() {
  spread_counts();
  for (Link& link : links_) {
    if (link.greeted && !link.gone) tell(link);
  }
}

void StateServer::tell(Link& link) {
  while (!link.pages.empty() && link.channel.everything_sent()) {
    // Whoever closed the channel is noticed by talk().
    [[maybe_unused]] const Result<> sent = link.channel.send(link.pages.front());
    link.pages.pop_front();
  }
  if (link.pages.empty()) return;
  if (link.pages.size() <= most_pages) return tell_soon(retry);
  log_.write(LogLevel::error, 0, "{} does not read what it is told", link.name());
  link.gone = true;
  seats_.leave(link.id);
}

}  // namespace openmmp::state
