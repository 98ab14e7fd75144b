// The name of a client's address, by DNS and verified: the name must have the address.
// Asynchronous, by c-ares, whose home is the .cc file. One a worker; outlives whoever waits.
//
// One look-up is under way for one address, however many ask, and answers are not kept: a caching
// resolver on the host does that better.
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
  // DNS does not say, and may do so later. c-ares does not tell this of the address itself, but of
  // the names that it has.
  bool is_unknown = false;
};

class ClientLookup {
 public:
  // Further addresses have no name until one of these look-ups is over.
  static constexpr size_t most_at_once = 256;
  // Of an address that has more, these are tried.
  static constexpr size_t most_names = 4;

  // `servers`: "127.0.0.1:5353,..." in place of those of resolv.conf, for tests; empty: as the
  // host.
  explicit ClientLookup(Loop& loop, std::string servers = {});
  ~ClientLookup();

  // Never fails: the name of who cannot be looked up within `time` is unknown.
  Task<ClientName> look_up(SocketAddress client, Millis time);

 private:
  class Queries;
  std::unique_ptr<Queries> queries_;
};

}  // namespace openmmp::proxy
