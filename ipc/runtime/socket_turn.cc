#include "ipc/runtime/socket_turn.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <tuple>

#include "ipc/runtime/check.h"
#include "ipc/runtime/secret.h"

namespace openmmp::detail {

namespace {
// Kept for the next turn.
constexpr size_t most_idle = 64;
// Of what one has room for; another is given back.
constexpr size_t usual_room = 4 * 1024;
}  // namespace

void Outgoing::append(const char* more, size_t size) {
  const size_t wanted = bytes.size() + size;
  if (wanted > bytes.capacity()) {
    std::string grown;
    grown.reserve(std::max({wanted, 2 * bytes.size(), usual_room}));
    grown = bytes;
    wipe(bytes);
    bytes = std::move(grown);
  }
  bytes.append(more, size);
}

void Outgoing::wipe_all() {
  explicit_bzero(bytes.data(), bytes.size());
  bytes.clear();
  sent = 0;
}

void SocketTurn::read_ahead(std::span<Watch* const> ready) {
  CHECK(ready.size() <= most_together);
  if (!calls_.together() || ready.size() < fewest_readers_) return;
  batch_.clear();
  for (Watch* watch : ready) {
    if (idle_ahead_.empty()) {
      watch->ahead = std::make_unique_for_overwrite<ReadAhead>();
    } else {
      watch->ahead = std::move(idle_ahead_.back());
      idle_ahead_.pop_back();
    }
    SocketCall call{SocketCall::Kind::receive, watch->fd.get()};
    call.bytes = watch->ahead->bytes;
    call.size = ReadAhead::capacity;
    batch_.push_back(call);
  }
  calls_.make(batch_);
  for (size_t i = 0; i < ready.size(); ++i) {
    ReadAhead& ahead = *ready[i]->ahead;
    ahead.result = batch_[i].result;
    ahead.used = 0;
    ahead.is_old = false;
    if (ahead.result == -EAGAIN) give_back(std::move(ready[i]->ahead));
  }
}

void SocketTurn::give_back(std::unique_ptr<ReadAhead> ahead) {
  if (ahead->result > 0) explicit_bzero(ahead->bytes, static_cast<size_t>(ahead->result));
  if (idle_ahead_.size() < most_together) idle_ahead_.push_back(std::move(ahead));
}

Outgoing& SocketTurn::outgoing_of(Watch& watch) {
  if (watch.outgoing == nullptr) {
    if (idle_outgoing_.empty()) {
      watch.outgoing = std::make_unique<Outgoing>();
    } else {
      watch.outgoing = std::move(idle_outgoing_.back());
      idle_outgoing_.pop_back();
    }
    watch.outgoing->watch = &watch;
  }
  Outgoing& outgoing = *watch.outgoing;
  if (!outgoing.refused && outgoing.error == 0 && !outgoing.linked()) sending_.push_back(outgoing);
  return outgoing;
}

void SocketTurn::discard(std::unique_ptr<Outgoing>& outgoing) {
  outgoing->unlink();
  outgoing->wipe_all();
  outgoing->error = 0;
  outgoing->refused = outgoing->ends = outgoing->tells = false;
  const bool is_usual = outgoing->bytes.capacity() <= 2 * usual_room;
  if (is_usual && idle_outgoing_.size() < most_idle) {
    idle_outgoing_.push_back(std::move(outgoing));
  }
  outgoing.reset();
}

// What has become of a send of everything that `outgoing` had.
void SocketTurn::settle(Outgoing& outgoing, int result) {
  Watch& watch = *outgoing.watch;
  outgoing.unlink();
  if (result < 0 && result != -EAGAIN) {
    outgoing.wipe_all();
    outgoing.error = -result;
    outgoing.refused = false;
    return;
  }
  if (result > 0) outgoing.sent += static_cast<size_t>(result);
  outgoing.refused = outgoing.unsent() > 0;
  if (outgoing.refused) return;
  if (outgoing.ends) ::shutdown(watch.fd.get(), SHUT_WR);
  discard(watch.outgoing);
}

void SocketTurn::send_now(Watch& watch) {
  Outgoing& outgoing = *watch.outgoing;
  if (outgoing.error != 0) return;
  const ssize_t count = ::send(watch.fd.get(), outgoing.bytes.data() + outgoing.sent,
                               outgoing.unsent(), MSG_DONTWAIT | MSG_NOSIGNAL);
  settle(outgoing, count < 0 ? -errno : static_cast<int>(count));
}

void SocketTurn::close(Watch& watch) {
  watch.unlink();
  if (watch.ahead != nullptr) give_back(std::move(watch.ahead));
  std::unique_ptr<Outgoing> last = std::move(watch.outgoing);
  if (last != nullptr) last->unlink();
  closing_.push_back(Closing{std::move(watch.fd), std::move(last)});
}

// One entry into the kernel, or a few if it is a lot.
bool SocketTurn::finish(LinkedList<Watch>* refused) {
  if (is_empty()) return false;
  batch_.clear();
  registering_.clear();
  asked_.clear();
  unregistered_.for_each([this](Watch& watch) {
    SocketCall call{SocketCall::Kind::watch, watch.fd.get()};
    call.epoll = epoll_;
    call.event.events = watch.events;
    call.event.data.ptr = &watch;
    batch_.push_back(call);
    registering_.push_back(&watch);
  });
  const auto send = [this](int fd, Outgoing& outgoing) {
    SocketCall call{SocketCall::Kind::send, fd};
    call.bytes = outgoing.bytes.data() + outgoing.sent;
    call.size = outgoing.unsent();
    batch_.push_back(call);
  };
  sending_.for_each([&](Outgoing& outgoing) {
    send(outgoing.watch->fd.get(), outgoing);
    asked_.push_back(&outgoing);
  });
  for (const Closing& closing : closing_) {
    if (closing.last != nullptr && closing.last->unsent() > 0) {
      send(closing.fd.get(), *closing.last);
    }
    batch_.push_back(SocketCall{SocketCall::Kind::close, closing.fd.get()});
  }
  calls_.make(batch_);
  for (Closing& closing : closing_) {
    std::ignore = closing.fd.release();
    if (closing.last != nullptr) discard(closing.last);
  }
  closing_.clear();
  settle_registrations(refused);
  settle_sends();
  return tell();
}

// Short of memory or of the user's share of watches. That passes, and must not end the other
// sessions: it is tried again, and the kernel then reports whatever has come meanwhile.
void SocketTurn::settle_registrations(LinkedList<Watch>* refused) {
  for (size_t i = 0; i < registering_.size(); ++i) {
    const int result = batch_[i].result;
    registering_[i]->unlink();
    CHECK(result == 0 || result == -ENOSPC || result == -ENOMEM);
    if (result != 0 && refused != nullptr) refused->push_back(*registering_[i]);
  }
}

void SocketTurn::settle_sends() {
  for (size_t i = 0; i < asked_.size(); ++i) {
    Outgoing& outgoing = *asked_[i];
    Watch* const watch = outgoing.watch;
    const bool tells = outgoing.tells;
    settle(outgoing, batch_[registering_.size() + i].result);
    const bool is_gone = watch->outgoing == nullptr;
    const bool is_lost = !is_gone && watch->outgoing->error != 0;
    if (is_lost || (is_gone && tells)) {
      news_.emplace_back(watch, is_lost ? EPOLLIN | EPOLLOUT | EPOLLERR : EPOLLOUT);
    }
  }
}

// Each callback may end other sessions, whose watches stay where they are until the turn is over.
bool SocketTurn::tell() {
  const bool any = !news_.empty();
  for (size_t i = 0; i < news_.size(); ++i) {
    const auto [watch, events] = news_[i];
    if (watch->events != 0) watch->callback(watch->owner, events);
  }
  news_.clear();
  return any;
}

}  // namespace openmmp::detail
