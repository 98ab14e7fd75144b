// What the end of a login says of the store's health.
#pragma once

#include <string>

#include "ipc/runtime/result.h"

namespace openmmp::proxy {

class SharedState;

// `outcome` is of Dialect::log_in_to(). A store that has judged name and password is well, whatever
// it said; one that says "not now" is there, and nothing is learnt of how long; one that does not
// behave has failed. But what it does once it has heard credentials may be their doing: whoever
// knows how to upset it must not take it from all others, so nothing is learnt of that either.
// `store` is "host:port".
void note_store_outcome(SharedState& shared, const std::string& store, const Result<>& outcome,
                        bool credentials_shown);

}  // namespace openmmp::proxy
