// What all sessions of a worker share. One of these lives in the worker and outlives every session.
#pragma once

#include <cstdint>

#include "config/settings.h"
#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "workers/directory/directory.h"
#include "workers/proxy/relay.h"
#include "workers/proxy/resolver.h"

namespace openmmp::proxy {

struct Counters {
  uint64_t accepted = 0;
  uint64_t logins = 0;
  uint64_t failures = 0;
};

struct Services {
  Services(Loop& l, Log& g, const config::Settings& s, directory::Directory& d, uint16_t p)
      : loop(l), log(g), settings(s), directory(d), default_port(p), resolver(l) {}
  Loop& loop;
  Log& log;
  const config::Settings& settings;
  directory::Directory& directory;
  const uint16_t default_port;  // of a store, when neither directory nor BacksidePort names one
  Resolver resolver;
  RelayPool relay_pool;
  Counters counters;
};

}  // namespace openmmp::proxy
