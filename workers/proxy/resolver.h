// Addresses of names, for all sessions of a worker: lives in Services and outlives whoever waits.
//
// The system's resolver blocks, for many seconds when a name server is down, so it runs on the
// thread pool, which it shares with the directory. That is why there are few look-ups at a time,
// one for each name however many ask for it, and why nobody waits longer than they said. Answers
// are not kept: a caching resolver on the host does that better.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "ipc/runtime/task_set.h"

namespace openmmp::proxy {

using Addresses = std::vector<SocketAddress>;

// Asks the system. Blocks. Errc::unavailable: no such name, or no answer.
Result<Addresses> look_up(const std::string& name);

class Resolver {
 public:
  // Two, so that half of the pool's four threads are always free for the directory.
  static constexpr int most_at_once = 2;
  static constexpr size_t most_names = 256;
  // Called on the thread pool.
  using LookUp = std::function<Result<Addresses>(const std::string& name)>;

  explicit Resolver(Loop& loop, LookUp function = look_up);

  // The addresses of `host`, at `host.port`. An IP literal costs nothing. Errc::unavailable also
  // when `time` is over or when too many names are being asked for.
  Task<Addresses> resolve(HostPort host, Millis time);

 private:
  class Wait;
  struct Question {
    explicit Question(std::string n) : name(std::move(n)) {}
    const std::string name;
    LinkedList<Wait> waiting;
    bool running = false;
  };

  // Null when there are too many.
  Question* question(const std::string& name);
  void drop_abandoned();
  void start_more();
  Task<> answer(Question& question);

  Loop& loop_;
  LookUp look_up_;
  std::list<Question> questions_;  // in the order in which they were asked
  int running_ = 0;
  TaskSet look_ups_;
};

}  // namespace openmmp::proxy
