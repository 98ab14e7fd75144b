// Workers with sessions, and the server they share, in one loop.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/transport.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/session_context.h"
#include "workers/proxy/shared_state.h"
#include "workers/state/state_server.h"

namespace openmmp::state {

SocketAddress address_of(const std::string& ip);

// A client that takes a seat and then says nothing.
class Session {
 public:
  Session(Loop& loop, Log& log, proxy::SharedState& state, const std::string& key, int limit);
  void start() { task_->start(); }
  bool seated() const { return seated_ && !task_->finished(); }
  bool waiting() const { return !seated_ && !task_->finished(); }
  // It was told that there are too many.
  bool refused() const { return task_->finished() && task_->result().error().code == Errc::limit; }
  // As at the moment before the relay, when nobody can be told.
  void hide(bool hidden) { context.talking = hidden ? nullptr : &connection_; }

 private:
  Task<> run(proxy::SharedState& state, std::string key, int limit);

  UniqueFd client_;
  proxy::Connection connection_;

 public:
  proxy::SessionContext context;

 private:
  bool seated_ = false;
  mutable std::optional<Task<>> task_;
};

// What a log has written, line by line.
class LogFile {
 public:
  explicit LogFile(Log& log);
  std::string text(Log& log) const;

 private:
  UniqueFd file_;
};

class Worker {
 public:
  Worker(Loop& loop, Log& log, const std::string& service, uint32_t index);
  proxy::SharedState& state() { return state_; }
  void connect(StateServer& server);
  Session& session(const std::string& key, int limit);
  void end_sessions() { sessions_.clear(); }
  void end_one();
  int seated() const;
  int refused() const;

 private:
  Loop& loop_;
  Log& log_;
  proxy::SharedState state_;
  std::list<Session> sessions_;
};

// Turns the loop until `done`; false: it never was.
template <class Done>
bool turn_until(Loop& loop, Done done) {
  loop.update_now();
  const Millis end = loop.now() + Seconds(20);
  while (!done()) {
    if (loop.now() > end) return false;
    loop.run_turn();
  }
  return true;
}

}  // namespace openmmp::state
