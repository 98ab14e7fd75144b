// What a session knows about itself, for its dialect, for the log, and for whoever must end it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ipc/runtime/address.h"
#include "ipc/runtime/log.h"
#include "workers/proxy/client_lookup.h"
#include "workers/proxy/forwarded_client.h"
#include "workers/proxy/virtual_domains.h"

namespace openmmp::proxy {

class Connection;
class Relay;

struct SessionContext {
  SessionContext(uint64_t i, SocketAddress c, const VirtualDomain& d, Log& l)
      : id(i), client(c), client_name(c.to_string()), domain(&d), log(l) {}
  const config::Settings& settings() const { return domain->settings; }
  directory::Directory& directory() const { return *domain->directory; }
  // Whether DebugKeys has the subject, or LogLevel asks for everything.
  bool debugs(std::string_view key) const;

  uint64_t id;  // unique for the life of the worker
  SocketAddress client;
  bool tls_at_connect = false;
  // The peer is one of TrustedNetworks: a proxy, to be believed about its clients. No longer behind
  // a PROXY header: from there on the client speaks.
  bool trusted = false;
  // It has come through too many proxies: nobody logs in here.
  bool in_loop = false;
  std::string client_name;      // the client, for the lines of the log
  const VirtualDomain* domain;  // settled before the first word to the client
  Log& log;
  // What it has come by; null: nobody knows. Services' own.
  const SocketAddress* listener = nullptr;
  // What SpoofMessageFile holds; null: there is none.
  const std::string* spoof_message = nullptr;
  // What a trusted peer has said of this client; null: nothing.
  std::unique_ptr<ForwardedClient> forwarded;
  // By DNS, once somebody has asked.
  std::unique_ptr<ClientName> name;
  // Where a request to leave goes: the client's Connection before login, the Relay after it, or
  // nowhere for the moment between. Owned by the session's coroutine, which sets these.
  Connection* talking = nullptr;
  Relay* relaying = nullptr;
};

// Believes a trusted peer. Errc::refused when the client has come through too many proxies.
Result<> believe(SessionContext& context, ForwardedClient said);

// The local address that the client has connected to, as far as we are told.
SocketAddress local_of(const Connection& client, const SessionContext& context);

// Whether nobody between the client and us can read what it says.
bool is_private(const Connection& client, const SessionContext& context);

// The client as a store is to hear of it.
ForwardedClient introduce_client(const Connection& client, const SessionContext& context);

}  // namespace openmmp::proxy
