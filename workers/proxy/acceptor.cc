#include "workers/proxy/acceptor.h"

#include <sys/resource.h>

#include "ipc/runtime/socket.h"

namespace openmmp::proxy {

namespace {
// Few at a time: other workers wait on the same listener, and other sessions on this loop.
constexpr int max_accepts_a_turn = 8;
constexpr Millis pause_time{50};
// Listeners, log, channel, directory, the pipes of busy relays.
constexpr size_t reserved_descriptors = 200;
}  // namespace

Acceptor::Acceptor(Loop& loop, Log& log, HasRoom has_room, Handler handler)
    : loop_(loop),
      log_(log),
      has_room_(std::move(has_room)),
      handler_(std::move(handler)),
      pause_(loop) {}

void Acceptor::listen_on(UniqueFd fd) {
  Listener& listener = listeners_.emplace_back(*this, listeners_.size(), loop_, std::move(fd));
  listener.socket.set_owner(&listener, [](void* self, int) {
    auto* ready = static_cast<Listener*>(self);
    ready->acceptor.accept_from(*ready);
  });
  listener.socket.watch(PollHandle::readable);
}

void Acceptor::close() {
  pause_.stop();
  listeners_.clear();
}

void Acceptor::accept_from(Listener& listener) {
  for (int count = 0; count < max_accepts_a_turn; ++count) {
    if (!has_room_()) return pause("as many sessions as the descriptor limit allows");
    SocketAddress peer;
    Result<UniqueFd> socket = accept_tcp(listener.socket.fd(), peer);
    if (!socket) {
      if (socket.error().code == Errc::limit) return pause(socket.error().detail.c_str());
      // Nobody waits any more and there is room: the next shortage is another one.
      if (count > 0) complained_ = false;
      return;
    }
    handler_(std::move(*socket), peer, listener.index);
  }
  complained_ = false;
}

void Acceptor::pause(const char* why) {
  if (!complained_) {
    complained_ = true;
    log_.write(LogLevel::error, 0, "new connections have to wait: {}", why);
  }
  for (Listener& listener : listeners_) listener.socket.watch(0);
  pause_.start(
      pause_time, [](void* self) { static_cast<Acceptor*>(self)->resume(); }, this);
}

void Acceptor::resume() {
  for (Listener& listener : listeners_) listener.socket.watch(PollHandle::readable);
}

size_t session_limit() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  const size_t descriptors = static_cast<size_t>(limit.rlim_cur);
  // Two sockets a session.
  return descriptors > 2 * reserved_descriptors ? (descriptors - reserved_descriptors) / 2
                                                : descriptors / 4;
}

}  // namespace openmmp::proxy
