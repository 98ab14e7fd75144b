// What a session knows about itself, for its dialect, for the log, and for whoever must end it.
#pragma once

#include <cstdint>
#include <string>

#include "config/settings.h"
#include "ipc/runtime/address.h"
#include "ipc/runtime/log.h"

namespace openmmp::proxy {

class Connection;
class Relay;

struct SessionContext {
  SessionContext(uint64_t i, SocketAddress c, const config::Settings& s, Log& l)
      : id(i), client(c), client_name(c.to_string()), settings(s), log(l) {}
  uint64_t id;  // unique for the life of the worker
  SocketAddress client;
  std::string client_name;  // the same, for the lines of the log
  const config::Settings& settings;
  Log& log;
  // Where a request to leave goes: the client's Connection before login, the Relay after it, or
  // nowhere for the moment between. Owned by the session's coroutine, which sets these.
  Connection* talking = nullptr;
  Relay* relaying = nullptr;
};

}  // namespace openmmp::proxy
