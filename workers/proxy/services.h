// What all sessions of a worker share, made of its Birth. One of these lives in the worker and
// outlives every session.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/conn_limits.h"
#include "config/settings.h"
#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/random.h"
#include "ipc/runtime/secret.h"
#include "ipc/tls/server_context.h"
#include "workers/directory/directory.h"
#include "workers/proxy/client_lookup.h"
#include "workers/proxy/policy.h"
#include "workers/proxy/rejections.h"
#include "workers/proxy/relay.h"
#include "workers/proxy/resolver.h"
#include "workers/proxy/shared_state.h"
#include "workers/proxy/stapler.h"
#include "workers/proxy/store_traffic.h"
#include "workers/proxy/stores.h"
#include "workers/proxy/virtual_domains.h"
#include "workers/sasl/scram_secret.h"

namespace openmmp::ipc {
struct Birthright;
}

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

// What a Birth comes to, before anything of it is at work.
struct ServiceParts {
  config::Settings settings;
  std::unique_ptr<directory::Sources> sources;
  VirtualDomains domains;
  Stores stores;
  std::unique_ptr<tls::ServerContext> tls;
  std::unique_ptr<Stapler> stapler;
  config::ConnLimits conn_limits;
  std::unique_ptr<std::string> spoof_message;
  SharedState::Options shared;
};

struct Services {
  Services(Loop& loop, Log& log, const Stores::Protocol& protocol, ServiceParts parts);

  Loop& loop;
  Log& log;
  const Stores::Protocol protocol;
  const config::Settings settings;  // of the service; a session has those of its virtual domain
  const std::unique_ptr<directory::Sources> sources;
  const VirtualDomains domains;
  const Stores stores;
  const std::unique_ptr<tls::ServerContext> tls;  // towards clients; null: none
  std::unique_ptr<Stapler> stapler;               // until the worker drains
  const config::ConnLimits conn_limits;
  const std::unique_ptr<std::string> spoof_message;  // of SpoofMessageFile; null: none
  Resolver resolver;
  ClientLookup client_lookup;
  Policy policy;
  SharedState shared;
  std::vector<SocketAddress> listeners;  // ours: a store that is one of them is a loop
  StoreTraffic store_traffic;
  Rejections rejections;
  RelayPool relay_pool;
  Counters counters;
  ScramHabits scram;
};

// Takes the files out of `birth`. Errors name the option that is wrong.
Result<std::unique_ptr<Services>> make_services(Loop& loop, Log& log, ipc::Birthright& birth,
                                                const Stores::Protocol& protocol);

}  // namespace openmmp::proxy
