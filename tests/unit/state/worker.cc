#include "worker.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace openmmp::state {

namespace {

// Of no interest here, but every session has one.
const proxy::VirtualDomain& domain() {
  static const proxy::VirtualDomain domain;
  return domain;
}

std::pair<UniqueFd, UniqueFd> sockets() { return std::move(*ipc::socket_pair()); }

}  // namespace

SocketAddress address_of(const std::string& ip) { return *SocketAddress::parse(ip, 0); }

Session::Session(Loop& loop, Log& log, proxy::SharedState& state, const std::string& key, int limit)
    : connection_([&] {
        auto [client, ours] = sockets();
        client_ = std::move(client);
        return proxy::Connection(loop, std::move(ours));
      }()),
      context(1, address_of("192.0.2.1"), domain(), log) {
  hide(false);
  task_.emplace(run(state, key, limit));
}

Task<> Session::run(proxy::SharedState& state, std::string key, int limit) {
  const proxy::Seat seat = co_await state.take_seat(std::move(key), limit, context);
  seated_ = true;
  co_await connection_.read_line(100);
}

LogFile::LogFile(Log& log) : file_(::memfd_create("log", MFD_CLOEXEC)) {
  log.set_level(7);
  log.set_file(UniqueFd(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0)));
}

std::string LogFile::text(Log& log) const {
  log.flush();
  std::string text(static_cast<size_t>(::lseek(file_.get(), 0, SEEK_END)), '\0');
  const ssize_t got = ::pread(file_.get(), text.data(), text.size(), 0);
  text.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

Worker::Worker(Loop& loop, Log& log, const std::string& service, uint32_t index)
    : loop_(loop), log_(log), state_(loop, log, [&] {
        proxy::SharedState::Options options;
        options.service = service;
        options.index = index;
        options.never_bad = *Networks::parse("198.51.100.0/24");
        return options;
      }()) {}

void Worker::connect(StateServer& server) {
  auto [theirs, ours] = sockets();
  server.add_worker(std::move(theirs));
  state_.connect(std::move(ours));
}

Session& Worker::session(const std::string& key, int limit) {
  Session& session = sessions_.emplace_back(loop_, log_, state_, key, limit);
  session.start();
  return session;
}

void Worker::end_one() {
  sessions_.erase(std::find_if(sessions_.begin(), sessions_.end(),
                               [](const Session& session) { return session.seated(); }));
}

int Worker::seated() const {
  return static_cast<int>(std::count_if(sessions_.begin(), sessions_.end(),
                                        [](const Session& session) { return session.seated(); }));
}

int Worker::refused() const {
  return static_cast<int>(std::count_if(sessions_.begin(), sessions_.end(),
                                        [](const Session& session) { return session.refused(); }));
}

}  // namespace openmmp::state
