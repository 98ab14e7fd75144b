// Bad guys, events of stores and relays, and logins by POP, as mmp-state and workers say them to
// each other. What comes in is checked: a message that only a broken peer would send is
// Errc::protocol.
#pragma once

#include "ipc/runtime/loop.h"
#include "ipc/runtime/result.h"
#include "proto/state.pb.h"
#include "workers/proxy/bad_guys.h"
#include "workers/proxy/pop_logins.h"
#include "workers/proxy/relay_health.h"
#include "workers/proxy/store_health.h"

namespace openmmp::proxy {

constexpr size_t max_protocol_name = 32;
constexpr size_t max_store_name = 300;  // a host name has no more than 253
constexpr size_t max_reason = 500;
constexpr size_t max_login_user = 512;                          // a line of POP3 has no more
constexpr Millis longest_avoidance = std::chrono::hours(60);    // of FailoverTimeout
constexpr Millis longest_login = std::chrono::hours(24 * 366);  // of AuthServiceTTL
constexpr Seconds max_badness{86400};                           // of BGMaxBadness

void write_bad_guy(const BadGuy& from, proto::BadGuy& to);
// A time that is still to come, by a clock that was read a moment later, is `now`.
Result<BadGuy> read_bad_guy(const proto::BadGuy& from, Millis now);

void write_store_event(const StoreEvent& from, proto::StoreEvent& to);
Result<StoreEvent> read_store_event(const proto::StoreEvent& from, Millis now);

// Of a relay, which is named as a store is.
bool is_store_name(const std::string& name);
void write_relay_event(const RelayEvent& from, proto::RelayEvent& to);
Result<RelayEvent> read_relay_event(const proto::RelayEvent& from, Millis now);

bool is_login_user(const std::string& user);
void write_pop_login(const PopLogin& from, proto::PopLogin& to);
// The address as SocketAddress writes it.
Result<PopLogin> read_pop_login(const proto::PopLogin& from, Millis now);

}  // namespace openmmp::proxy
