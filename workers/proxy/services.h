// What all sessions of a worker share. One of these lives in the worker and outlives every session.
#pragma once

#include <cstdint>
#include <memory>

#include "config/settings.h"
#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/random.h"
#include "ipc/runtime/secret.h"
#include "ipc/tls/server_context.h"
#include "workers/directory/directory.h"
#include "workers/proxy/relay.h"
#include "workers/proxy/resolver.h"
#include "workers/proxy/stores.h"
#include "workers/sasl/scram_secret.h"

namespace openmmp::proxy {

struct Counters {
  uint64_t accepted = 0;
  uint64_t logins = 0;
  uint64_t failures = 0;
};

// What SCRAM's users have in common here, so that what is made up for those that do not exist looks
// the same.
struct ScramHabits {
  const Secret fake_key = random_bytes(32);
  bool clear = true;  // the directory has clear passwords, and secrets are made of them
  int iterations = sasl::fewest_iterations;  // where it has secrets
};

struct Services {
  Services(Loop& l, Log& g, const config::Settings& s, directory::Directory& d, Stores t,
           std::unique_ptr<tls::ServerContext> c)
      : loop(l),
        log(g),
        settings(s),
        directory(d),
        stores(std::move(t)),
        tls(std::move(c)),
        resolver(l) {}
  Loop& loop;
  Log& log;
  const config::Settings& settings;
  directory::Directory& directory;
  const Stores stores;
  const std::unique_ptr<tls::ServerContext> tls;  // towards clients; null: none
  Resolver resolver;
  RelayPool relay_pool;
  Counters counters;
  ScramHabits scram;
};

}  // namespace openmmp::proxy
