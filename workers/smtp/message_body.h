// A message on its way from the client to the relay, in pieces as they come: what the relay has not
// taken is not read from the client, so memory stays what it is however large the message.
//
// Whatever becomes of the relay, the client is read to the end of its message: behind that are
// commands again.
#pragma once

#include <cstdint>
#include <string>

#include "ipc/runtime/task.h"
#include "workers/proxy/connection.h"
#include "workers/smtp/command.h"
#include "workers/smtp/data_scanner.h"

namespace openmmp::smtp {

struct BodyRules {
  BareNewline bare_newline = BareNewline::reject;
  uint64_t max_size = 0;  // octets; 0: none
  Millis client_time{0};  // between two pieces
  Millis relay_time{0};
};

enum class BodyEnd {
  sent,  // all of it; the relay's reply is next
  bare_newline,
  too_large,
  relay_lost,
};

struct BodyOutcome {
  BodyEnd end = BodyEnd::sent;
  uint64_t size = 0;
  bool spoken_early = false;  // the relay has said something before it had everything
  bool draining = false;      // we were asked to leave meanwhile
};

// What follows 354, to the dot. Unless the end is `sent`, the relay has not got the dot and must be
// dropped. Errors are the client's.
Task<BodyOutcome> pass_data(proxy::Connection& client, proxy::Connection& relay, BodyRules rules);

// `command` (without line end) and the octets of its chunk.
Task<BodyOutcome> pass_chunk(proxy::Connection& client, proxy::Connection& relay,
                             std::string command, Chunk chunk, BodyRules rules);

// So many octets that nobody will have.
Task<BodyOutcome> drop_chunk(proxy::Connection& client, uint64_t size, BodyRules rules);

}  // namespace openmmp::smtp
