// A worker as StateServer knows it: the conversation, and what it is to be told next. The Loop must
// outlive it.
#pragma once

#include <fmt/format.h>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "ipc/channel.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "proto/state.pb.h"
#include "workers/state/seat_register.h"

namespace openmmp::state {

struct WorkerLink {
  WorkerLink(Loop& loop, SeatRegister::LinkId i, UniqueFd socket)
      : id(i), channel(loop, std::move(socket)) {}
  // What is to be told next goes here.
  proto::FromState& page() {
    if (pages.empty() || ++items >= page_size) {
      pages.emplace_back();
      items = 0;
    }
    return pages.back();
  }
  std::string name() const {
    return greeted ? fmt::format("{} worker {} of generation {} (pid {})", hello.service(),
                                 hello.index(), hello.generation(), hello.pid())
                   : std::string("a worker");
  }

  // News in one message, which has no more than ten of its sixteen MiB if all keys are of the
  // longest.
  static constexpr int page_size = 10'000;
  const SeatRegister::LinkId id;
  ipc::Channel<proto::FromState, proto::ToState> channel;
  proto::WorkerHello hello;
  std::deque<proto::FromState> pages;  // to be sent, one at a time
  int items = 0;                       // in the last of them
  std::map<std::string, uint32_t> relay_sessions;
  bool greeted = false;
  bool gone = false;
  std::optional<Task<>> talk;
};

}  // namespace openmmp::state
