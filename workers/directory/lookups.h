// Look-ups under way, by key: a thousand sessions that ask for one user make one search.
//
// A look-up belongs to this object and not to the session that asked first, so that the others get
// their answer when that one is killed. It must outlive the tasks that wait for it.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"

namespace openmmp::directory {

template <class Value>
class Lookups {
 public:
  explicit Lookups(Loop& loop) : loop_(loop) {}
  Lookups(const Lookups&) = delete;
  Lookups& operator=(const Lookups&) = delete;

  // The result of the look-up of `key`: of the one under way, or else of `work`, which starts now.
  Task<Value> share(std::string key, Task<Value> work) {
    Answer answer(*this, key, work);
    co_return co_await answer;
  }

 private:
  // A session that waits.
  class Answer : public Waiter {
   public:
    Answer(Lookups& lookups, const std::string& k, Task<Value>& w)
        : key(k), work(w), lookups_(lookups) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
      handle = waiting;
      lookups_.join(*this);
    }
    Result<Value> await_resume() { return std::move(*result); }

    const std::string& key;
    Task<Value>& work;
    std::optional<Result<Value>> result;

   private:
    Lookups& lookups_;
  };

  struct Lookup {
    Lookup(Lookups& l, std::string k, Task<Value> t)
        : lookups(l), key(std::move(k)), task(std::move(t)) {}
    Lookups& lookups;
    const std::string key;
    Task<Value> task;
    LinkedList<Answer> answers;
  };

  void join(Answer& answer) {
    ended_.clear();
    const auto [position, is_first] = under_way_.try_emplace(answer.key);
    if (is_first) {
      position->second = std::make_unique<Lookup>(*this, answer.key, std::move(answer.work));
    }
    Lookup& lookup = *position->second;
    lookup.answers.push_back(answer);
    if (is_first) lookup.task.start(on_answer, &lookup);
  }

  static void on_answer(void* argument) {
    auto& lookup = *static_cast<Lookup*>(argument);
    Lookups& lookups = lookup.lookups;
    lookup.answers.for_each([&](Answer& answer) {
      answer.result = lookup.task.result();
      lookups.loop_.resume_soon(answer);
    });
    auto ended = lookups.under_way_.extract(lookup.key);
    lookups.ended_.push_back(std::move(ended.mapped()));
  }

  Loop& loop_;
  std::unordered_map<std::string, std::unique_ptr<Lookup>> under_way_;
  // Each is destroyed with the next look-up's start, when its frames are off the stack.
  std::vector<std::unique_ptr<Lookup>> ended_;
};

}  // namespace openmmp::directory
