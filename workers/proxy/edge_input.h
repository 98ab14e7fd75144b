// What the edges of a socket (StreamSocket) tell of its unread input.
#pragma once

#include <cstddef>

#include "ipc/runtime/poll_handle.h"

namespace openmmp::proxy {

struct EdgeInput {
  // The kernel may hold input that no further edge will tell of: read before waiting.
  bool may_have_more = false;
  // A read that is not filled usually means an empty socket, and the next input an edge of its own.
  // Not so when the peer's end is in the queue behind the input, or urgent data within it.
  bool trust_short_reads = true;

  void note(int events) {
    const bool end = (events & (PollHandle::ended | PollHandle::urgent)) != 0;
    if (end) trust_short_reads = false;
    if (end || (events & PollHandle::readable) != 0) may_have_more = true;
  }
  // After a read that gave something; `filled`: all that there was room for.
  void after_read(bool filled) { may_have_more = filled || !trust_short_reads; }
  // After a read that gave nothing.
  void exhausted() { may_have_more = false; }
};

}  // namespace openmmp::proxy
