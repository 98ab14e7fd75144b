// The name of a client's address, by DNS and verified: the name must have the address.
// Asynchronous, by c-ares, whose home is the .cc file. One a worker; outlives whoever waits.
#pragma once

#include <memory>
#include <string>

#include "ipc/runtime/address.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"

namespace openmmp::proxy {

struct ClientName {
  std::string name;       // in lower case; empty: there is none, or DNS does not say
  bool is_false = false;  // there is one, but it does not have the address (DNSSPOOFER)
};

class ClientLookup {
 public:
  // `servers`: "127.0.0.1:5353,..." in place of those of resolv.conf, for tests; empty: as the
  // host.
  explicit ClientLookup(Loop& loop, std::string servers = {});
  ~ClientLookup();

  // Never fails: who cannot be looked up within `time` has no name.
  Task<ClientName> look_up(SocketAddress client, Millis time);

 private:
  struct Resolver;
  std::unique_ptr<Resolver> resolver_;
};

}  // namespace openmmp::proxy
