// What mmpctl prints: tables for people, and the same as one JSON document with stable keys
// (docs/supervision.md lists them).
#pragma once

#include <string>

#include "proto/control.pb.h"

namespace openmmp::control {

std::string status_text(const proto::StatusReply& status);
std::string lookup_text(const proto::LookupReport& report);
std::string bad_guys_text(const proto::StateReply& state);
std::string stores_text(const proto::StateReply& state);
std::string relays_text(const proto::StateReply& state);
std::string auth_text(const proto::StateReply& state);
std::string messages_text(const proto::ControlReply& reply);

// {"ok", "messages"}, and what else the reply has.
std::string reply_json(const proto::ControlReply& reply);

// "3d 4h", "12m 5s"; two units are enough to see.
std::string duration_text(uint64_t seconds);
// "512 B", "3.4 MiB".
std::string size_text(uint64_t bytes);

}  // namespace openmmp::control
