#include "workers/proxy/shared_state.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>

#include "ipc/channel.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/news.h"
#include "workers/proxy/relay.h"
#include "workers/proxy/session_context.h"
#include "workers/proxy/state_messages.h"

namespace openmmp::proxy {

namespace {

// What happens within this time goes in one message: at a thousand logins a second a message
// carries five of them, and what it costs is shared.
constexpr Millis gathering{5};
// Of an mmp-state that is there and does not answer; then the worker decides by its own count.
constexpr Millis answer_time{1000};
constexpr const char* too_many = "too many connections";

proto::WorkerHello hello_of(const SharedState::Options& options) {
  proto::WorkerHello hello;
  hello.set_service(options.service);
  hello.set_generation(options.generation);
  hello.set_index(options.index);
  hello.set_pid(::getpid());
  hello.set_bad_guys_limit(static_cast<uint32_t>(options.bad_guys.most));
  hello.set_bad_guy_decay(static_cast<uint32_t>(options.bad_guys.decay.count()));
  hello.set_bad_guys_fade(options.bad_guys.linear);
  hello.set_store_failures(static_cast<uint32_t>(options.stores.failures));
  hello.set_store_probe_interval(options.stores.probe_interval.count());
  hello.set_store_ramp_time(options.stores.ramp_time.count());
  return hello;
}

}  // namespace

struct SharedState::Link {
  Link(Loop& loop, UniqueFd socket) : channel(loop, std::move(socket)) {}
  ipc::Channel<proto::ToState, proto::FromState> channel;
  bool greeted = false;
  bool lost = false;
  std::optional<Task<>> listening;
};

// A seat that a coroutine waits for, in whose frame this is.
struct SharedState::Question {
  Question(SharedState& s, uint64_t n) : state(s), number(n), answered(s.loop_), limit(s.loop_) {
    state.questions_[number] = this;
    limit.start(
        answer_time, [](void* list) { static_cast<WaitList*>(list)->wake_all(); }, &answered);
  }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;
  ~Question() { state.questions_.erase(number); }
  SharedState& state;
  const uint64_t number;
  bool granted = false;
  WaitList answered;
  Timer limit;
};

Seat& Seat::operator=(Seat&& other) noexcept {
  if (this != &other) {
    if (state_ != nullptr) state_->leave(number_);
    state_ = std::exchange(other.state_, nullptr);
    number_ = other.number_;
  }
  return *this;
}

Seat::~Seat() {
  if (state_ != nullptr) state_->leave(number_);
}

SharedState::SharedState(Loop& loop, Log& log, Options options)
    : loop_(loop),
      log_(log),
      options_(std::move(options)),
      bad_guys_(options_.bad_guys),
      stores_(options_.stores),
      telling_(loop) {}

SharedState::~SharedState() = default;

bool SharedState::connected() const { return link_ && !link_->lost; }

void SharedState::connect(UniqueFd socket) {
  if (connected()) {
    lose_link();
  } else if (link_) {
    log_.write(LogLevel::notice, 0, "mmp-state is back");
  }
  link_ = std::make_unique<Link>(loop_, std::move(socket));
  seats_.begin_conversation();
  const std::vector<BadGuy> known = bad_guys_.entries();
  bad_guy_news_.assign(known.begin(), known.end());
  begin_relays_and_logins();
  link_->listening.emplace(listen(*link_));
  link_->listening->start();
  if (connected()) tell_in(Millis(0));
}

Task<> SharedState::listen(Link& link) {
  for (;;) {
    auto received = co_await attempt(link.channel.receive());
    if (!received) break;
    hear(received->message);
  }
  log_.write(LogLevel::notice, 0, "mmp-state is away: limits hold for this worker alone");
  lose_link();
}

// Its socket stays until there is another: the caller may be the coroutine that reads from it.
void SharedState::lose_link() {
  link_->lost = true;
  seats_.end_conversation();
  for (const auto& [number, question] : questions_) question->answered.wake_all();
  lose_login_questions();
}

void SharedState::hear(const proto::FromState& message) {
  for (const proto::KeyCount& count : message.counts()) {
    seats_.note_count(count.key(), count.count());
  }
  const Millis now = loop_.now();
  for (const proto::BadGuy& entry : message.bad_guys()) {
    if (const auto bad_guy = read_bad_guy(entry, now)) bad_guys_.merge(*bad_guy, now);
  }
  for (const proto::StoreEvent& entry : message.store_events()) {
    const auto event = read_store_event(entry, now);
    if (!event) continue;
    // What speaks another protocol looks dead to our probes, whatever its state is.
    if (!event->protocol.empty() && event->protocol != options_.protocol) continue;
    stores_.apply(*event);
  }
  hear_relays_and_logins(message);
  for (const proto::Verdict& verdict : message.verdicts()) hear_verdict(verdict);
}

void SharedState::hear_verdict(const proto::Verdict& verdict) {
  const uint64_t seat = verdict.seat();
  if (!verdict.granted()) seats_.refuse(seat);
  const auto question = questions_.find(seat);
  if (question != questions_.end()) {
    question->second->granted = verdict.granted();
    question->second->answered.wake_all();
  } else if (!verdict.granted() && seats_.holder(seat) != nullptr) {
    refused_.push_back(seat);
    tell_in(Millis(0));
  }
}

Result<std::optional<Seat>> SharedState::try_seat(const std::string& key, int limit,
                                                  SessionContext& context) {
  const auto most = static_cast<uint32_t>(std::max(limit, 0));
  switch (seats_.advise(key, most)) {
    case SeatBook::Advice::ask:
      return std::nullopt;
    case SeatBook::Advice::refuse:
      return fail(Errc::limit, too_many);
    case SeatBook::Advice::take:
      break;
  }
  const uint64_t seat = seats_.take(key, most, false, &context);
  if (connected()) tell_in(gathering);
  return Seat(this, seat);
}

Task<Seat> SharedState::take_seat(std::string key, int limit, SessionContext& context) {
  std::optional<Seat> at_once = co_await try_seat(key, limit, context);
  if (at_once) co_return std::move(*at_once);
  Seat seat(this, seats_.take(key, static_cast<uint32_t>(limit), true, &context));
  Question question(*this, seat.number_);
  tell_in(Millis(0));
  co_await question.answered.wait();
  const bool good =
      question.granted || (!seats_.refused(seat.number_) && !seats_.one_too_many(seat.number_));
  if (!good) co_await fail(Errc::limit, too_many);
  co_return std::move(seat);
}

void SharedState::leave(uint64_t seat) {
  seats_.leave(seat);
  if (seats_.has_news()) tell_in(gathering);
}

void SharedState::tell_in(Millis time) {
  const Millis due = loop_.now() + time;
  if (telling_.active() && tell_at_ <= due) return;
  tell_at_ = due;
  telling_.start(
      time, [](void* self) { static_cast<SharedState*>(self)->tell(); }, this);
}

void SharedState::tell() {
  end_refused();
  if (!connected()) return;
  // One message at a time: what mmp-state does not take yet is gathered here, where it can shrink.
  if (!link_->channel.everything_sent()) return tell_in(gathering);
  if (!has_news() && link_->greeted) return;
  // Whoever closed the channel is noticed by listen().
  [[maybe_unused]] const Result<> sent = link_->channel.send(gather());
  if (has_news()) tell_in(Millis(0));
}

bool SharedState::has_news() const {
  return seats_.has_news() || !bad_guy_news_.empty() || !store_news_.empty() ||
         has_news_of_relays_or_logins();
}

proto::ToState SharedState::gather() {
  proto::ToState message;
  if (!std::exchange(link_->greeted, true)) *message.mutable_hello() = hello_of(options_);
  const SeatBook::News news = seats_.take_news(most_a_message);
  message.mutable_seats_left()->Add(news.left.begin(), news.left.end());
  for (const SeatBook::Taken& taken : news.taken) {
    proto::SeatTaken& seat = *message.add_seats();
    seat.set_seat(taken.seat);
    seat.set_key(*taken.key);
    seat.set_limit(taken.limit);
    seat.set_asked(taken.asked);
    seat.set_held(taken.held);
  }
  take_news(bad_guy_news_, [&](const BadGuy& b) { write_bad_guy(b, *message.add_bad_guys()); });
  take_news(store_news_, [&](StoreEvent& e) {
    e.protocol = options_.protocol;
    write_store_event(e, *message.add_store_events());
  });
  gather_relays_and_logins(message);
  return message;
}

// Apart from the message that brought the verdicts, because a session that ends takes others' seats
// and questions along.
void SharedState::end_refused() {
  for (const uint64_t seat : std::exchange(refused_, {})) {
    SessionContext* context = seats_.holder(seat);
    if (context == nullptr) continue;
    if (context->relaying != nullptr) {
      context->relaying->interrupt(too_many);
    } else if (context->talking != nullptr) {
      context->talking->interrupt(Error(Errc::limit, too_many));
    } else {
      refused_.push_back(seat);  // between the two: soon it is at one of them
    }
  }
  if (!refused_.empty()) tell_in(gathering);
}

Seconds SharedState::badness(const SocketAddress& client) const {
  if (options_.never_bad.contains(client)) return Seconds(0);
  return bad_guys_.badness(client, loop_.now());
}

void SharedState::login_failed(const SessionContext& context) {
  if (options_.never_bad.contains(context.client)) return;
  const BadGuy entry = bad_guys_.failed(context.client, loop_.now());
  if (entry.badness == Seconds(0)) return;
  log_.write(LogLevel::notice, context.id, "badguy {} now has {} badness", context.client.ip(),
             entry.badness.count());
  tell_of(entry);
}

void SharedState::login_succeeded(const SessionContext& context) {
  const std::optional<BadGuy> entry = bad_guys_.succeeded(context.client, loop_.now());
  if (entry) tell_of(*entry);
}

void SharedState::tell_of(const BadGuy& entry) {
  if (!connected()) return;  // connect() tells of all
  add_news(bad_guy_news_, entry, most_news + options_.bad_guys.most);
  tell_in(gathering);
}

void SharedState::store_failed(const std::string& store, std::string reason) {
  const bool was_up = !stores_.objection(store);
  std::optional<StoreEvent> event = stores_.failed(store, std::move(reason), loop_.now());
  if (was_up && event && stores_.objection(store)) {
    log_.write(LogLevel::warning, 0, "store {} is down: {}", store, event->reason);
  }
  tell_of(std::move(event));
}

void SharedState::store_succeeded(const std::string& store) {
  const bool was_up = !stores_.objection(store);
  tell_of(stores_.succeeded(store, loop_.now()));
  if (!was_up && !stores_.objection(store)) {
    log_.write(LogLevel::notice, 0, "store {} is up again", store);
  }
}

// Kept also while mmp-state is away: it is back soon, and knows the stores as they were before.
void SharedState::tell_of(std::optional<StoreEvent> event) {
  if (!event) return;
  add_news(store_news_, std::move(*event), most_news);
  if (connected()) tell_in(gathering);
}

}  // namespace openmmp::proxy
