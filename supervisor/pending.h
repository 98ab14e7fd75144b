// A question that was sent under a number, until its coroutine has the answer or is destroyed.
#pragma once

#include <cstdint>

namespace openmmp::supervisor {

// Questions is a map from numbers to optional answers.
template <class Questions>
class Pending {
 public:
  Pending(Questions& questions, uint64_t number) : questions_(questions), number_(number) {
    questions_[number_];
  }
  ~Pending() { questions_.erase(number_); }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

 private:
  Questions& questions_;
  const uint64_t number_;
};

}  // namespace openmmp::supervisor
