// The part of SharedState that SMTP goes by: relays, and who has logged in by POP.
#include <algorithm>
#include <utility>

#include "proto/state.pb.h"
#include "workers/proxy/news.h"
#include "workers/proxy/shared_state.h"
#include "workers/proxy/state_messages.h"

namespace openmmp::proxy {

namespace {

constexpr Millis gathering{5};
// Numbers of sessions are for people to look at, and change with every session.
constexpr Millis load_gathering{250};
// Of an mmp-state that is there and does not answer.
constexpr Millis answer_time{1000};

bool is_decision(const RelayEvent& event) {
  return event.kind == RelayEvent::Kind::disabled || event.kind == RelayEvent::Kind::enabled;
}

}  // namespace

// Somebody waits for who has logged in; this is in the frame of the coroutine.
struct SharedState::LoginQuestion {
  LoginQuestion(SharedState& s, std::string a)
      : state(s),
        id(++s.last_login_question_),
        address(std::move(a)),
        answered(s.loop_),
        limit(s.loop_) {
    state.login_questions_[id] = this;
    state.questions_to_ask_.push_back(id);
    limit.start(
        answer_time, [](void* list) { static_cast<WaitList*>(list)->wake_all(); }, &answered);
  }
  LoginQuestion(const LoginQuestion&) = delete;
  LoginQuestion& operator=(const LoginQuestion&) = delete;
  ~LoginQuestion() { state.login_questions_.erase(id); }
  SharedState& state;
  const uint64_t id;
  const std::string address;
  bool has_answer = false;
  std::optional<PopLogin> login;
  WaitList answered;
  Timer limit;
};

RelayUse& RelayUse::operator=(RelayUse&& other) noexcept {
  if (this != &other) {
    if (state_ != nullptr) state_->leave_relay(relay_);
    state_ = std::exchange(other.state_, nullptr);
    relay_ = std::move(other.relay_);
  }
  return *this;
}

RelayUse::~RelayUse() {
  if (state_ != nullptr) state_->leave_relay(relay_);
}

// An mmp-state that was started anew hears all that is known here.
void SharedState::begin_relays_and_logins() {
  relay_news_.clear();
  for (RelayEvent& event : relays_.events()) {
    if (!is_decision(event)) relay_news_.push_back(std::move(event));
  }
  std::erase_if(loads_, [](const auto& item) { return item.second.sessions == 0; });
  for (auto& [relay, load] : loads_) load.is_told = false;
  loads_changed_ = !loads_.empty();
  const std::vector<PopLogin> logins = logins_.list(loop_.now());
  login_news_.assign(logins.begin(), logins.end());
}

void SharedState::hear_relays_and_logins(const proto::FromState& message) {
  const Millis now = loop_.now();
  for (const proto::RelayEvent& entry : message.relay_events()) {
    if (const auto event = read_relay_event(entry, now)) relays_.apply(*event);
  }
  for (const proto::PopAnswer& answer : message.pop_answers()) {
    const auto question = login_questions_.find(answer.id());
    if (question == login_questions_.end()) continue;
    if (answer.has_login()) {
      auto login = read_pop_login(answer.login(), now);
      if (login && login->address == question->second->address) {
        question->second->login = std::move(*login);
      }
    }
    question->second->has_answer = true;
    question->second->answered.wake_all();
  }
}

void SharedState::gather_relays_and_logins(proto::ToState& message) {
  take_news(relay_news_,
            [&](const RelayEvent& e) { write_relay_event(e, *message.add_relay_events()); });
  if (std::exchange(loads_changed_, false)) {
    for (auto& [relay, load] : loads_) {
      if (std::exchange(load.is_told, true)) continue;
      proto::RelayLoad& told = *message.add_relay_loads();
      told.set_relay(relay);
      told.set_sessions(load.sessions);
    }
    std::erase_if(loads_, [](const auto& item) { return item.second.sessions == 0; });
  }
  take_news(login_news_, [&](const PopLogin& l) { write_pop_login(l, *message.add_pop_logins()); });
  for (const uint64_t id : std::exchange(questions_to_ask_, {})) {
    const auto question = login_questions_.find(id);
    if (question == login_questions_.end()) continue;
    proto::PopQuestion& asked = *message.add_pop_questions();
    asked.set_id(id);
    asked.set_address(question->second->address);
  }
}

bool SharedState::has_news_of_relays_or_logins() const {
  return loads_changed_ || !relay_news_.empty() || !login_news_.empty() ||
         !questions_to_ask_.empty();
}

void SharedState::lose_login_questions() {
  questions_to_ask_.clear();
  for (const auto& [id, question] : login_questions_) question->answered.wake_all();
}

void SharedState::relay_failed(const std::string& relay, std::string reason, Time avoid_for) {
  const bool was_up = relays_.avoided_for(relay, loop_.now()) == Time(0);
  RelayEvent event = relays_.failed(relay, std::move(reason), avoid_for, loop_.now());
  if (was_up) {
    log_.write(LogLevel::warning, 0, "relay {} is avoided for {} s: {}", relay,
               std::chrono::duration_cast<Seconds>(avoid_for).count(), event.reason);
  }
  tell_of(std::move(event));
}

void SharedState::relay_succeeded(const std::string& relay) {
  std::optional<RelayEvent> event = relays_.succeeded(relay, loop_.now());
  if (!event) return;
  log_.write(LogLevel::notice, 0, "relay {} is up again", relay);
  tell_of(std::move(*event));
}

void SharedState::tell_of(RelayEvent event) {
  if (!connected()) return;  // connect() tells of all
  add_news(relay_news_, std::move(event), most_news);
  tell_in(gathering);
}

RelayUse SharedState::use_relay(const std::string& relay) {
  auto found = loads_.find(relay);
  if (found == loads_.end()) {
    // More are not told of, and mmp-state would not listen.
    if (loads_.size() >= RelayHealth::most_relays) return RelayUse();
    found = loads_.emplace(relay, Load()).first;
  }
  ++found->second.sessions;
  note_load(found->second);
  return RelayUse(this, relay);
}

void SharedState::leave_relay(const std::string& relay) {
  const auto found = loads_.find(relay);
  --found->second.sessions;
  note_load(found->second);
}

void SharedState::note_load(Load& load) {
  load.is_told = false;
  loads_changed_ = true;
  if (connected()) tell_in(load_gathering);
}

void SharedState::record_login(PopLogin login) {
  if (!is_login_user(login.user)) return;  // mmp-state would not listen
  logins_.record(login, loop_.now());
  if (!connected()) return;  // connect() tells of all
  add_news(login_news_, std::move(login), most_news + most_logins);
  tell_in(gathering);
}

Task<std::optional<PopLogin>> SharedState::find_login(std::string address) {
  if (connected()) {
    LoginQuestion question(*this, address);
    tell_in(Millis(0));
    co_await question.answered.wait();
    // The answer may have been long on its way.
    if (question.login && question.login->expires <= loop_.now()) question.login.reset();
    if (question.has_answer) co_return std::move(question.login);
  }
  co_return logins_.find(address, loop_.now());
}

}  // namespace openmmp::proxy
