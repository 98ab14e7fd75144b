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

namespace openmmp::proxy {

// Errc::refused: no such user, or nobody may act for that user like this.
Task<directory::Route> find_mailbox(const Login& login, const Connection& client,
                                    const SessionContext& context, Services& services);

// Errc::unavailable: the login needs StoreAdmin, and there is none. Refers to its arguments.
Result<StoreCredentials> credentials_for(const Login& login, const directory::Route& route,
                                         const config::Settings& settings);

// A connection on which the store has not spoken yet.
struct StoreConnection {
  StoreConnection(Connection c, const Store& s, std::string h)
      : connection(std::move(c)), store(&s), host(std::move(h)) {}
  Connection connection;
  const Store* store;
  std::string host;  // as the directory names it, without the port
};

// The first of the user's hosts that takes a connection, and TLS where that comes first. `record`
// is told which.
Task<StoreConnection> reach_store(const directory::Route& route, const Connection& client,
                                  const SessionContext& context, LoginRecord& record,
                                  Services& services);

// What a dialect is told for its half of the login.
struct StoreAccess {
  StoreAccess(const Store& s, const std::string& h, StoreCredentials c)
      : store(s), host(h), credentials(std::move(c)) {}
  const Store& store;
  const std::string& host;
  StoreCredentials credentials;
};

}  // namespace openmmp::proxy
