// How often clients were turned away lately, for ConnRejectThreshold: counted for a while from the
// first time, of so many clients at a time. Pure: time comes in as an argument.
#pragma once

#include <string>
#include <unordered_map>

#include "ipc/runtime/loop.h"

namespace openmmp::proxy {

class Rejections {
 public:
  static constexpr size_t most_clients = 10000;
  static constexpr Millis memory{60'000};

  // One more; how many that makes.
  int count(const std::string& client, Millis now) {
    if (now >= until_ || counts_.size() >= most_clients) {
      counts_.clear();
      until_ = now + memory;
    }
    return ++counts_[client];
  }

 private:
  std::unordered_map<std::string, int> counts_;
  Millis until_{0};
};

}  // namespace openmmp::proxy
