// Passwords checked by an LDAP server: binds as the user, without ever blocking the loop, on
// connections of its own, because a bind changes who the connection is and tolerates nothing else
// on it. One bind at a time on each; the others queue.
//
// Connections are replaced and given up as LdapPool does it: the first server that answers, from
// the first one again after the refresh interval. A bind whose connection dies is sent once more on
// another one.
//
// It must outlive the tasks that check(), and loop, log and the file access.ca_file names outlive
// it.
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

class LdapBinder {
 public:
  LdapBinder(Loop& loop, LdapAccess access, size_t connections, Millis refresh, Log& log,
             Millis retry_pause = Millis(1000));
  ~LdapBinder();
  LdapBinder(const LdapBinder&) = delete;
  LdapBinder& operator=(const LdapBinder&) = delete;

  // Whether this is the password of the entry `dn`. Errc::refused: no, or the account is locked;
  // also an empty name or password, with which a bind says nothing (RFC 4513 section 5.1).
  // Errc::unavailable: the directory could not say within access.timeout; `detail` names the server
  // and what it said.
  Task<> check(std::string dn, Secret password);

 private:
  class Bind;
  class Connection;

  LdapOpener::Owner owner();
  void submit(Bind& bind);
  void dispatch();
  // The bind leaves the queue, or the connection goes.
  void send(Bind& bind, Connection& connection);
  bool is_expired(const Connection& connection) const;
  Connection* idle() const;
  size_t usable() const;
  bool wants_connection() const;
  void take(LdapClient opened, bool was_away);
  void settle();
  // Destroys the connection; its bind goes elsewhere or fails.
  void lose(Connection& connection, const Error& error);

  Loop& loop_;
  LdapAccess access_;
  const size_t size_;
  const Millis refresh_;
  Log& log_;
  std::vector<std::unique_ptr<Connection>> connections_;
  LinkedList<Bind> queue_;
  size_t queued_ = 0;
  LdapOpener opener_;
};

}  // namespace openmmp::directory
