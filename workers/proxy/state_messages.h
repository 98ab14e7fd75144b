// Bad guys and events of stores as mmp-state and workers say them to each other. What comes in is
// checked: a message that only a broken peer would send is Errc::protocol.
#pragma once

#include "ipc/runtime/loop.h"
#include "ipc/runtime/result.h"
#include "proto/state.pb.h"
#include "workers/proxy/bad_guys.h"
#include "workers/proxy/store_health.h"

namespace openmmp::proxy {

constexpr size_t max_protocol_name = 32;
constexpr size_t max_store_name = 300;  // a host name has no more than 253
constexpr size_t max_reason = 500;
constexpr Seconds max_badness{86400};  // of BGMaxBadness

void write_bad_guy(const BadGuy& from, proto::BadGuy& to);
// A time that is still to come, by a clock that was read a moment later, is `now`.
Result<BadGuy> read_bad_guy(const proto::BadGuy& from, Millis now);

void write_store_event(const StoreEvent& from, proto::StoreEvent& to);
Result<StoreEvent> read_store_event(const proto::StoreEvent& from, Millis now);

}  // namespace openmmp::proxy
