// One connection to an LDAP server, through libldap: opened with blocking calls on some thread,
// then used on the loop's thread without ever blocking. The .cc file is the only one that knows
// <ldap.h>.
//
// libldap may raise SIGPIPE: the process must ignore it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/result.h"
#include "ipc/runtime/secret.h"
#include "ipc/runtime/unique_fd.h"
#include "workers/directory/entry.h"

struct ldap;
struct ldapmsg;

namespace openmmp::directory {

// How to reach the directory.
struct LdapAccess {
  LdapAccess copy() const;

  std::vector<std::string> servers;  // "ldap://host:port", in the order they are tried
  std::string bind_dn;               // empty: anonymous
  Secret bind_pass;
  bool start_tls = false;  // on ldap:// servers
  bool verify = true;      // the server's certificate
  std::string ca_file;     // PEM; empty: the system's
  Millis timeout{25000};   // of one operation
};

class LdapClient {
 public:
  // Blocks, but not for much longer than the timeout over all servers. Connects to the first server
  // that takes us: TCP, TLS, bind. Errc::unavailable has the reason of each.
  static Result<LdapClient> open(const LdapAccess& access);

  const std::string& server() const { return server_; }
  // A duplicate of the connection's descriptor, to wait on; may be taken once. libldap keeps its
  // own. Destroy this one first.
  UniqueFd take_descriptor() { return std::move(descriptor_); }

  // Sends a search for at most two entries, and returns its number. Errc::closed: this connection
  // is of no more use; Errc::internal: the request can never be sent.
  Result<int> start_search(const SearchRequest& request);
  void abandon(int search);
  // Sends a bind and returns its number. Nothing else may be under way, nor be sent before its
  // answer is there (RFC 4511 section 4.2.1). Errc::closed as above.
  Result<int> start_bind(const std::string& dn, const Secret& password);

  // A part of the answer to a search: an entry, or its end, which is good or bad; a bind has an end
  // only. Errc::refused: the base is not there, or the user may not in; Errc::unavailable: anything
  // else.
  struct FreeMessage {
    void operator()(::ldapmsg* message) const;
  };
  struct Message {
    int search = 0;
    std::unique_ptr<::ldapmsg, FreeMessage> entry;  // null: the end
    Result<> end;
  };
  // The next part that has come in; nothing when none is complete. Errc::closed as above.
  Result<std::optional<Message>> receive();
  // May be called once for a message that is an entry.
  Entry read_entry(const Message& message) const;
  // The same, but the values go into `secrets`, and nothing of them stays in the message.
  Entry read_secrets(const Message& message, std::vector<Secret>& secrets) const;

 private:
  struct Unbind {
    void operator()(::ldap* connection) const;
  };

  LdapClient(::ldap* connection, std::string server)
      : connection_(connection), server_(std::move(server)) {}
  static Result<LdapClient> open_server(const LdapAccess& access, const std::string& server);
  Result<> set_options(const LdapAccess& access);
  Result<> bind(const LdapAccess& access);
  Result<> duplicate_descriptor();
  Result<> read_end(::ldapmsg& message, bool of_bind) const;
  int fd() const;
  Failure error(Errc code, const char* during, int status) const;

  std::unique_ptr<::ldap, Unbind> connection_;
  std::string server_;
  UniqueFd descriptor_;
};

}  // namespace openmmp::directory
