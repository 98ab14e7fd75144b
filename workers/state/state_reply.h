// What answers to mmpctl have in common. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/result.h"
#include "proto/state.pb.h"

namespace openmmp::state {

void refuse(proto::StateReply& reply, std::string reason);

uint64_t seconds(Millis time);

// Which of the `known` stores or relays, "host:port", an operator means: HOST is each one there,
// HOST:PORT also one that is not known. `what` is "store" or "relay". Errors say what would do.
Result<std::vector<std::string>> names_meant(const std::string& name, const char* what,
                                             const std::vector<std::string>& known);

}  // namespace openmmp::state
