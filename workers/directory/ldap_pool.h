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
#include <optional>
#include <string>
#include <vector>

#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "workers/directory/ldap_client.h"

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

  void submit(Search& search);
  void dispatch();
  void send(Search& search, Connection& connection);
  void start_opening();
  Task<> open_connections();
  void take(Result<LdapClient> opened);
  bool wants_connection() const;
  bool is_expired(const Connection& connection) const;
  Connection* least_busy() const;
  void fail_queue(const Error& error);
  void retire(Connection& connection);
  // Destroys the connection; its searches go elsewhere or fail.
  void lose(Connection& connection, const Error& error);

  Loop& loop_;
  LdapPoolOptions options_;
  Log& log_;
  std::vector<std::unique_ptr<Connection>> connections_;
  LinkedList<Search> queue_;
  size_t queued_ = 0;
  std::optional<Task<>> opener_;
  bool opening_ = false;
  uint64_t losses_ = 0;                // connections lost so far
  std::optional<Error> last_failure_;  // of opening; none after a success
  Millis no_attempt_before_{0};
};

}  // namespace openmmp::directory
