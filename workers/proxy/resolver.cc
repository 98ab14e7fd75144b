#include "workers/proxy/resolver.h"

#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>

#include "ipc/runtime/offload.h"

namespace openmmp::proxy {

Result<Addresses> look_up(const std::string& name) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int status = getaddrinfo(name.c_str(), nullptr, &hints, &list);
  if (status != 0) {
    return fail(Errc::unavailable,
                fmt::format("no address for '{}': {}", name, gai_strerror(status)));
  }
  Addresses addresses;
  for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
    addresses.push_back(SocketAddress::from(item->ai_addr));
  }
  freeaddrinfo(list);
  return addresses;
}

// One who waits for an answer, for some time. Goes from the question's list to the loop's.
class Resolver::Wait : public Waiter {
 public:
  Wait(Resolver& resolver, Question& question, Millis time)
      : resolver_(resolver), question_(question), time_(time), timer_(resolver.loop_) {}

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    handle = awaiting;
    question_.waiting.push_back(*this);
    timer_.start(
        time_, [](void* self) { static_cast<Wait*>(self)->give_up(); }, this);
    resolver_.start_more();
  }
  Result<Addresses> await_resume() { return std::move(answer_); }

  void finish(const Result<Addresses>& answer) {
    timer_.stop();
    answer_ = answer;
    resolver_.loop_.resume_soon(*this);
  }

 private:
  void give_up() {
    finish(fail(Errc::unavailable, fmt::format("no address for '{}' within {:g} s", question_.name,
                                               std::chrono::duration<double>(time_).count())));
  }

  Resolver& resolver_;
  Question& question_;  // until it is answered
  const Millis time_;
  Timer timer_;
  Result<Addresses> answer_;
};

Resolver::Resolver(Loop& loop, LookUp function)
    : loop_(loop), look_up_(std::move(function)), look_ups_(loop) {}

Task<Addresses> Resolver::resolve(HostPort host, Millis time) {
  const Result<SocketAddress> literal = SocketAddress::parse(host.host, host.port);
  if (literal) co_return Addresses(1, *literal);
  Question* const asked = question(host.host);
  if (asked == nullptr) {
    co_return fail(Errc::unavailable,
                   fmt::format("no address for '{}': {} other names are being looked up", host.host,
                               most_names));
  }
  Wait wait(*this, *asked, time);
  Result<Addresses> addresses = co_await wait;
  if (!addresses) co_return fail(std::move(addresses.error()));
  for (SocketAddress& address : *addresses) address.set_port(host.port);
  co_return std::move(*addresses);
}

Resolver::Question* Resolver::question(const std::string& name) {
  drop_abandoned();
  const auto same = std::find_if(questions_.begin(), questions_.end(),
                                 [&name](const Question& q) { return q.name == name; });
  if (same != questions_.end()) return &*same;
  if (questions_.size() >= most_names) return nullptr;
  return &questions_.emplace_back(name);
}

// What runs cannot be stopped, and its answer may still be of use to the next who asks.
void Resolver::drop_abandoned() {
  questions_.remove_if([](Question& q) { return !q.running && q.waiting.empty(); });
}

void Resolver::start_more() {
  for (Question& question : questions_) {
    if (running_ == most_at_once) return;
    if (question.running) continue;
    question.running = true;
    ++running_;
    look_ups_.start(answer(question));
  }
}

Task<> Resolver::answer(Question& question) {
  auto work = [function = look_up_, name = question.name] { return function(name); };
  auto looking_up = offload(loop_, std::move(work));
  const Result<Addresses> addresses = co_await looking_up;
  --running_;
  question.waiting.for_each([&addresses](Wait& wait) { wait.finish(addresses); });
  questions_.remove_if([&question](const Question& q) { return &q == &question; });
  drop_abandoned();
  start_more();
}

}  // namespace openmmp::proxy
