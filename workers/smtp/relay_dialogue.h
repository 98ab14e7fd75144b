// A question to a relay and its answer, for what happens once a session: greeting, EHLO, AUTH. The
// commands of a transaction go in groups (command_group.h), without a copy of the answer.
#pragma once

#include <string>
#include <utility>

#include "ipc/runtime/task.h"
#include "workers/proxy/connection.h"
#include "workers/smtp/reply.h"

namespace openmmp::smtp {

struct Answer {
  Answer() = default;
  explicit Answer(const Reply& reply) : code(reply.code), text(reply.text) {}
  Reply reply() const { return {code, text}; }
  bool is_positive() const { return code < 400; }
  // For a log: its last line, and not too much of it.
  std::string summary() const;

  int code = 0;
  std::string text;  // all lines with their CRLF
};

// Within `time`; `what` is a literal. Errc::protocol: this is no answer.
Task<Answer> read_answer(proxy::Connection& relay, Millis time,
                         const char* what = "answer from the relay");
// `command` is without line end. Errc::protocol also for a relay that has spoken before it was
// asked: read later, that would be taken for the answer.
Task<Answer> ask(proxy::Connection& relay, std::string command, Millis time);

}  // namespace openmmp::smtp
