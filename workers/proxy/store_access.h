// From a login to a connection that a dialect can log in on: whose mailbox it is, where that is,
// and how the store wants to be talked to.
#pragma once

#include <string>
#include <utility>

#include "ipc/runtime/task.h"
#include "workers/directory/directory.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/login.h"
#include "workers/proxy/services.h"
#include "workers/proxy/session_context.h"
#include "workers/proxy/session_log.h"
#include "workers/proxy/store_traffic.h"

namespace openmmp::proxy {

// A connection on which the store has not spoken yet. It is to live until the login is over.
struct StoreConnection {
  StoreConnection(Connection c, const Store& s, HostPort h, StoreTraffic::Attempt a)
      : connection(std::move(c)), store(&s), host(std::move(h)), way_in(std::move(a)) {}
  Connection connection;
  const Store* store;
  HostPort host;                 // as the directory names it, with the port that was connected to
  StoreTraffic::Attempt way_in;  // its place among those on the way into the store
};

// The first of the user's hosts that is not believed down and takes a connection, and TLS where
// that comes first. `record` is told which; all workers are told of those that fail.
Task<StoreConnection> reach_store(const directory::Route& route, const Connection& client,
                                  const SessionContext& context, LoginRecord& record,
                                  Services& services);

// The PROXY header that a store is to get before anything else; empty: none.
std::string proxy_header_for(const Store& store, const Connection& client,
                             const SessionContext& context);

// Whether the store's end of a connection is a listener of ours: each login would beget another.
bool leads_to_us(const Connection& store, uint16_t port, const Services& services);

// What a dialect is told for its half of the login.
struct StoreAccess {
  StoreAccess(const Store& s, const HostPort& h, StoreCredentials c)
      : store(s), host(h), credentials(std::move(c)) {}
  const Store& store;
  const HostPort& host;
  StoreCredentials credentials;
  // Set by the dialect: from here on the store has heard what a client has chosen.
  mutable bool credentials_shown = false;
};

}  // namespace openmmp::proxy
