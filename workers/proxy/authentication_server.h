// AuthenticationServer: password check and look-up in one, in the auth_http dialect of nginx's mail
// proxy. The request has Auth-Method, Auth-User, Auth-Pass, Auth-Protocol, Auth-Login-Attempt,
// Client-IP and, where known, Client-Host, Auth-SSL and its kin; the answer has Auth-Status, and
// Auth-Server, Auth-Port, Auth-User, Auth-Pass, Auth-Wait.
#pragma once

#include <optional>
#include <string>

#include "ipc/runtime/address.h"
#include "ipc/runtime/secret.h"
#include "ipc/runtime/task.h"
#include "workers/proxy/http_exchange.h"

namespace openmmp::proxy {

struct AuthenticationQuestion {
  AuthenticationQuestion(std::string u, Secret p) : user(std::move(u)), password(std::move(p)) {}
  std::string user;  // as typed
  Secret password;
  std::string protocol;  // "imap", "pop3", "smtp"
  std::string method = "plain";
  int attempt = 1;  // in this session
  std::string client_ip;
  std::string client_name;  // empty: not known
  bool tls = false;
  std::string server_name;  // by SNI; empty: none
  // AuthenticationLdapAttributes of the user's entry: sent as "Auth-Ldap-NAME: VALUE".
  std::vector<std::pair<std::string, std::string>> attributes;
};

struct AuthenticationAnswer {
  std::optional<HostPort> server;  // Auth-Server and Auth-Port; nothing: the directory says
  std::string user;                // Auth-User for the store; empty: as typed
  std::optional<Secret> password;  // Auth-Pass for the store; nothing: the client's
};

// What `AuthenticationServer` says: "host:port" or "http://host:port/path".
struct AuthenticationServer {
  static Result<AuthenticationServer> parse(std::string_view text);
  HostPort server;
  std::string path = "/";
};

// Errc::refused: the server says no, and Auth-Wait is in `wait` (which must not be null: zero means
// that the session must end). Errc::unavailable: it does not answer, or not as it should, or says
// that the failure is temporary (Auth-Error-Code with 4xx).
Task<AuthenticationAnswer> ask_authentication_server(Loop& loop, Resolver& resolver,
                                                     AuthenticationServer server,
                                                     std::string extra_header,
                                                     AuthenticationQuestion question, Millis time,
                                                     Seconds* wait);

}  // namespace openmmp::proxy
