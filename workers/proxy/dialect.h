// What a protocol must do for the proxy, and all that the proxy knows of a protocol. A fourth
// protocol is one new folder with a class that satisfies this.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>

#include "ipc/runtime/task.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/login.h"
#include "workers/proxy/store_access.h"

namespace openmmp::proxy {

// Constructed from the client's Connection, the session's context, its Authenticator, and what all
// sessions share; all of these outlive it. Static members:
//   Shared          what all sessions of a worker share for this protocol; default-constructed
//   default_port    of a store
//   alpn            what ALPN calls the protocol (RFC 7301)
//   relay_farewell  what may be said to a client in mid-session before we close, or ""
template <class D>
concept Dialect = requires(D d, Connection& backend, const StoreAccess& access, Refusal why,
                           const Error& error, typename D::Shared& shared) {
  // Greets the client (the first time), answers what may be said before login, and returns with
  // the next credentials. Ends with an Error when the session is over: closed after a polite
  // LOGOUT or QUIT, limit, timeout.
  { d.authenticate() } -> std::same_as<Task<Login>>;
  // Our half of the login at the store, on a fresh connection, up to the store's yes; with STARTTLS
  // where the store wants that. Errors:
  // refused (the store does not take name and password), unavailable (the store says "not now"),
  // anything else (the store does not behave).
  { d.log_in_to(backend, access) } -> std::same_as<Task<>>;
  // Tells the client yes, in the store's words.
  { d.accept() } -> std::same_as<Task<>>;
  // Tells the client no; the client may try again.
  { d.refuse(why) } -> std::same_as<Task<>>;
  // The last line of a session that ends before login, for the errors that deserve one.
  { d.farewell(error) } -> std::same_as<Task<>>;
  // Asks a store, on a fresh connection, whether it is well: greeting, capabilities, and a polite
  // end. Errors: it is not.
  { D::probe(backend, access, shared) } -> std::same_as<Task<>>;
  typename D::Shared;
  { D::default_port } -> std::convertible_to<uint16_t>;
  { D::alpn } -> std::convertible_to<const char*>;
  { D::relay_farewell } -> std::convertible_to<const char*>;
};

}  // namespace openmmp::proxy
