// Top-level tasks that nobody waits for: started here, kept until they finish, destroyed on the
// next turn of the loop (never while they are on the stack), or all at once with the set.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "ipc/runtime/linked_list.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"

namespace openmmp {

class TaskSet {
 public:
  explicit TaskSet(Loop& loop) : reap_(loop, [this] { destroy(finished_); }) {}
  TaskSet(const TaskSet&) = delete;
  TaskSet& operator=(const TaskSet&) = delete;
  ~TaskSet() { clear(); }

  void start(Task<> task) {
    auto* entry = new Entry(*this, std::move(task));
    running_.push_back(*entry);
    ++size_;
    entry->task.start(
        [](void* argument) {
          auto& done = *static_cast<Entry*>(argument);
          done.set.finished_.push_back(done);
          --done.set.size_;
        },
        entry);
  }
  // How many have not finished.
  size_t size() const { return size_; }
  void clear() {
    destroy(running_);
    destroy(finished_);
    size_ = 0;
  }

 private:
  struct Entry : ListNode {
    Entry(TaskSet& s, Task<> t) : set(s), task(std::move(t)) {}
    TaskSet& set;
    Task<> task;
  };
  static void destroy(LinkedList<Entry>& entries) {
    entries.for_each([](Entry& entry) { delete &entry; });
  }

  BeforeWait reap_;
  LinkedList<Entry> running_;
  LinkedList<Entry> finished_;
  size_t size_ = 0;
};

}  // namespace openmmp
