// All sessions of a worker: the one place that starts, interrupts and ends them.
#pragma once

#include <cstddef>
#include <functional>

#include "ipc/runtime/linked_list.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "ipc/runtime/task_set.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/session_context.h"

namespace openmmp::proxy {

class SessionSet {
 public:
  // Makes the coroutine of a session; the context lives as long as the task.
  using Protocol = std::function<Task<>(Connection client, SessionContext& context)>;

  SessionSet(Loop& loop, Protocol protocol) : protocol_(std::move(protocol)), tasks_(loop) {}

  void start(Connection client, SessionContext context);
  // Asks every session to say goodbye and leave.
  void interrupt_all();
  // Ends every session at once, without a word.
  void destroy_all() { tasks_.clear(); }
  size_t size() const { return tasks_.size(); }

 private:
  // Lives in the session's outermost coroutine, and links its context while that runs.
  struct Member : ListNode {
    explicit Member(SessionContext c) : context(std::move(c)) {}
    SessionContext context;
  };
  Task<> run(Connection client, SessionContext context);

  Protocol protocol_;
  LinkedList<Member> members_;
  TaskSet tasks_;  // last: its tasks link themselves into members_
};

}  // namespace openmmp::proxy
