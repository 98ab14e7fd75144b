// What a session knows about itself, for its dialect and for the log.
#pragma once

#include <cstdint>
#include <string>

#include "config/settings.h"
#include "ipc/runtime/address.h"
#include "ipc/runtime/log.h"

namespace openmmp::proxy {

struct SessionContext {
  SessionContext(uint64_t i, SocketAddress c, const config::Settings& s, Log& l)
      : id(i), client(c), settings(s), log(l) {}
  const uint64_t id;  // unique for the life of the worker
  const SocketAddress client;
  const config::Settings& settings;
  Log& log;
};

}  // namespace openmmp::proxy
