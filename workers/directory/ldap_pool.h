// The LDAP connections of one Directory. Searches queue here, go out on the connection that has the
// least to do, and come back in any order; connections are opened one at a time on the thread pool.
//
// The first server that can be reached gets all of it. A connection older than the refresh interval
// is replaced by a new one, tried from the first server again: so traffic returns to a server that
// has come back. A search whose connection dies is sent once more on another one. While no server
// can be reached, look-ups fail at once, except that now and then one waits for a new attempt.
//
// The pool must outlive the tasks that search().
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "workers/directory/ldap_client.h"
#include "workers/directory/ldap_opener.h"

namespace openmmp::directory {

struct LdapPoolOptions {
  LdapAccess access;
  size_t size = 4;           // connections, and one more while one is being replaced
  Millis refresh{2100000};   // age at which a connection is replaced
  Millis retry_pause{1000};  // between attempts while no server can be reached
};

class LdapPool {
 public:
  LdapPool(Loop& loop, LdapPoolOptions options, Log& log);
  ~LdapPool();
  LdapPool(const LdapPool&) = delete;
  LdapPool& operator=(const LdapPool&) = delete;

  // Errc::unavailable whatever went wrong; `detail` names the server and what it said.
  Task<SearchAnswer> search(SearchRequest request);

 private:
  class Search;
  class Connection;

  LdapOpener::Owner owner();
  void submit(Search& search);
  void dispatch();
  void send(Search& search, Connection& connection);
  bool wants_connection() const;
  void take(LdapClient opened, bool was_away);
  void settle();
  bool is_expired(const Connection& connection) const;
  Connection* least_busy() const;
  void retire(Connection& connection);
  // Destroys the connection; its searches go elsewhere or fail.
  void lose(Connection& connection, const Error& error);

  Loop& loop_;
  LdapPoolOptions options_;
  Log& log_;
  std::vector<std::unique_ptr<Connection>> connections_;
  LinkedList<Search> queue_;
  size_t queued_ = 0;
  LdapOpener opener_;
};

}  // namespace openmmp::directory
