// From a client to an SMTP relay that listens: which one, in turn and by health, connected to,
// greeted, with TLS where it is wanted, told who the client is, and asked what it can do.
#pragma once

#include <string>
#include <utility>

#include "ipc/runtime/task.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/services.h"
#include "workers/proxy/session_context.h"
#include "workers/smtp/extensions.h"
#include "workers/smtp/shared.h"
#include "workers/smtp/xclient.h"

namespace openmmp::smtp {

// How a relay is told who the client is (TellRelay, or what it announces).
enum class Told { nothing, proxy_header, xclient, xproxyehlo };

// Once, with the name of the user, saves two exchanges; but mail can be taken only from a client
// that the relay knows.
enum class TellWhen { at_once, with_login };

struct RelayConnection {
  RelayConnection(proxy::Connection c, const HostPort& h, const proxy::Store& s)
      : connection(std::move(c)), host(h), name(h.to_string()), store(&s) {}
  proxy::Connection connection;
  HostPort host;
  std::string name;  // "host:port", for logs
  const proxy::Store* store;
  Extensions extensions;
  Told told = Told::nothing;
  bool waits_for_login = false;  // until then it is not told
  proxy::RelayUse use;
};

// The first relay whose turn it is that answers; those that fail are avoided from here on by all
// workers. Errc::unavailable: none does. Errc::refused: the relay will not have this client (its
// answer to XCLIENT), and the detail is its reply, for the client.
Task<RelayConnection> reach_relay(const ClientFacts& facts, TellWhen when,
                                  const proxy::Connection& client,
                                  const proxy::SessionContext& context, Shared& shared,
                                  proxy::Services& services);

// Tells a relay that waits_for_login, or tells it anew of a user who has logged in. Extensions are
// asked for anew. Errc::refused as above; other errors: this relay cannot be told. One that waited
// and that nobody insists on (TellRelay auto) may have been told nothing.
Task<> tell_login(RelayConnection& relay, const ClientFacts& facts,
                  const proxy::SessionContext& context, Shared& shared, proxy::Services& services);

}  // namespace openmmp::smtp
