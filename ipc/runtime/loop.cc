#include "ipc/runtime/loop.h"

#include <sys/epoll.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <span>
#include <thread>

namespace openmmp {

namespace {
constexpr size_t max_events_a_turn = 256;
constexpr Millis refused_pause{100};

using Readers = std::array<detail::Watch*, detail::SocketTurn::most_together>;

Gathering::Time monotonic_now() { return std::chrono::steady_clock::now().time_since_epoch(); }

// Those of `events` whose sockets are to be read ahead; how many there are.
size_t find_readers(std::span<const epoll_event> events, Readers& readers) {
  size_t count = 0;
  for (const epoll_event& event : events) {
    auto* watch = static_cast<detail::Watch*>(event.data.ptr);
    if (watch == nullptr || watch->events == 0 || (event.events & EPOLLIN) == 0) continue;
    if (watch->ahead != nullptr) {
      watch->ahead->is_old = true;
    } else if (watch->reads_ahead) {
      readers[count++] = watch;
    }
  }
  return count;
}

}  // namespace

struct Loop::Libuv {
  uv_loop_t loop;
  // Always active: libuv runs its callbacks only while something is, and our signals are not
  // counted as such.
  uv_prepare_t presence;

  uv_handle_t* handle() { return static_cast<uv_handle_t*>(static_cast<void*>(&presence)); }
  bool has_work() {
    uv_unref(handle());
    const bool alive = uv_loop_alive(&loop) != 0;
    uv_ref(handle());
    return alive;
  }
};

BeforeWait::BeforeWait(Loop& loop, std::function<void()> callback)
    : callback_(std::move(callback)) {
  loop.before_wait_.push_back(*this);
}

Loop::Loop()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      turn_(epoll_.get()),
      libuv_(std::make_unique<Libuv>()) {
  CHECK(epoll_);
  CHECK(uv_loop_init(&libuv_->loop) == 0);
  uv_prepare_init(&libuv_->loop, &libuv_->presence);
  uv_prepare_start(&libuv_->presence, [](uv_prepare_t*) {});
  // No Watch: the null pointer stands for libuv.
  epoll_event event = {};
  event.events = EPOLLIN;
  CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, uv_backend_fd(&libuv_->loop), &event) == 0);
  update_now();
}

Loop::~Loop() {
  uv_close(libuv_->handle(), nullptr);
  uv_run(&libuv_->loop, UV_RUN_DEFAULT);
  CHECK(uv_loop_close(&libuv_->loop) == 0);
  CHECK(watched_ == 0);
}

uv_loop_s* Loop::uv() { return &libuv_->loop; }

void Loop::update_now() { now_ = std::chrono::duration_cast<Millis>(monotonic_now()); }

void Loop::run() {
  stopped_ = false;
  while (!stopped_ && anything_left()) turn(true);
  turn_.finish(&refused_);
}

bool Loop::run_turn() {
  turn(false);
  turn_.finish(&refused_);
  return anything_left();
}

bool Loop::anything_left() {
  return watched_ > 0 || !timers_.empty() || !ready_.empty() || libuv_->has_work();
}

void Loop::turn(bool may_wait) {
  drain_ready();
  // Whatever ran just now may have asked the loop to stop, or left nothing to wait for.
  if (may_wait && (stopped_ || !anything_left())) return;
  const bool told = turn_.finish(&refused_);
  wait_for_events(may_wait && !told ? wait_time() : 0);
  refused_.for_each([this](Watch& watch) {
    if (add(watch)) watch.unlink();
  });
  run_timers();
  retired_.clear();
}

int Loop::wait_time() {
  if (!ready_.empty()) return 0;
  // libuv says 0 when it has callbacks to run or a descriptor to register, -1 for "any time".
  const int libuv = uv_backend_timeout(&libuv_->loop);
  if (libuv == 0 || (timers_.empty() && refused_.empty())) return libuv;
  const Millis longest = refused_.empty() ? Millis(1'000'000'000) : refused_pause;
  const Millis timer = timers_.empty() ? longest : timers_.begin()->first - now_;
  const int own = static_cast<int>(std::clamp(timer, Millis(0), longest).count());
  return libuv < 0 ? own : std::min(own, libuv);
}

void Loop::wait_for_events(int milliseconds) {
  // A look that does not wait is one more at the same events, and says nothing of the load.
  const bool gathers = gathering_ && milliseconds != 0;
  if (gathers) std::this_thread::sleep_for(gathering_->pause(monotonic_now()));
  std::array<epoll_event, max_events_a_turn> events;
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), milliseconds);
  CHECK(count >= 0 || errno == EINTR);
  update_now();
  if (gathers) gathering_->looked(monotonic_now(), static_cast<size_t>(std::max(count, 0)));
  bool libuv_ready = uv_backend_timeout(&libuv_->loop) == 0;
  const auto all =
      std::span<const epoll_event>(events).first(static_cast<size_t>(std::max(count, 0)));
  for (const epoll_event& event : all) libuv_ready = libuv_ready || event.data.ptr == nullptr;
  for (size_t i = 0; i < all.size(); i += detail::SocketTurn::most_together) {
    if (i > 0) turn_.finish(&refused_);  // the first need not wait for the last
    dispatch(all.subspan(i, std::min(detail::SocketTurn::most_together, all.size() - i)));
  }
  if (libuv_ready) uv_run(&libuv_->loop, UV_RUN_NOWAIT);
}

void Loop::dispatch(std::span<const epoll_event> events) {
  Readers readers;
  turn_.read_ahead(std::span(readers).first(find_readers(events, readers)));
  for (const epoll_event& event : events) {
    const auto* watch = static_cast<Watch*>(event.data.ptr);
    if (watch == nullptr) continue;
    // An error or a hang-up is for whoever watches: the next system call says what it is.
    const bool broken = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    constexpr uint32_t any = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
    const uint32_t ready = watch->events & (event.events | (broken ? any : 0));
    if (ready != 0) watch->callback(watch->owner, static_cast<int>(ready & ~EPOLLET));
  }
}

void Loop::update(Watch& watch, uint32_t events) {
  if (events == watch.events) return;
  const bool registered = watch.events != 0 && !watch.linked();
  watched_ += watch.events == 0 ? 1u : 0u;
  watched_ -= events == 0 ? 1u : 0u;
  watch.events = events;
  // Not registered at all while nothing is watched for: a hang-up would be reported all the same.
  if (events == 0) {
    watch.unlink();
    if (registered) CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, watch.fd.get(), nullptr) == 0);
  } else if (registered) {
    repeat(watch);
  } else if ((events & EPOLLET) != 0) {
    turn_.add(watch);
  } else if (!add(watch)) {
    refused_.push_back(watch);
  }
}

// False: not now, see SocketTurn::settle_registrations().
bool Loop::add(Watch& watch) {
  epoll_event event = {};
  event.events = watch.events;
  event.data.ptr = &watch;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, watch.fd.get(), &event) == 0) return true;
  CHECK(errno == ENOSPC || errno == ENOMEM);
  return false;
}

void Loop::repeat(Watch& watch) {
  if (watch.linked()) return;
  epoll_event event = {};
  event.events = watch.events;
  event.data.ptr = &watch;
  CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, watch.fd.get(), &event) == 0);
}

void Loop::retire(std::unique_ptr<Watch> watch) {
  watch->unlink();
  if (watch->events != 0) --watched_;
  watch->events = 0;
  retired_.push_back(std::move(watch));
}

void Loop::drain_ready() {
  // Only those that are ready now: what they make ready in turn waits for the next turn, so that
  // two coroutines waking one another cannot keep the loop from its sockets.
  LinkedList<Waiter> batch;
  ready_.for_each([&batch](Waiter& waiter) { batch.push_back(waiter); });
  while (!batch.empty()) {
    Waiter& waiter = batch.front();
    waiter.unlink();
    waiter.handle.resume();
  }
  before_wait_.for_each([](BeforeWait& hook) { hook.callback_(); });
}

void Loop::run_timers() {
  while (!timers_.empty() && timers_.begin()->first <= now_) {
    Timer* timer = timers_.begin()->second;
    timers_.erase(timers_.begin());
    timer->active_ = false;
    timer->callback_(timer->argument_);
  }
}

void Timer::start(Millis after, void (*callback)(void*), void* argument) {
  stop();
  callback_ = callback;
  argument_ = argument;
  position_ = loop_.timers_.emplace(loop_.now() + after, this);
  active_ = true;
}

void Timer::stop() {
  if (!active_) return;
  active_ = false;
  loop_.timers_.erase(position_);
}

}  // namespace openmmp
