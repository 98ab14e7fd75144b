// The auth_http dialect of nginx's mail proxy: what AuthenticationServer is asked, as an HTTP
// request, and what its answer means. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/secret.h"
#include "workers/proxy/http_message.h"

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
  std::string tls_protocol;  // "TLSv1.3"; empty: not sent, as the next two
  std::string tls_cipher;
  std::string server_name;  // by SNI
  // AuthenticationLdapAttributes of the user's entry: sent as "Auth-Ldap-NAME: VALUE".
  std::vector<std::pair<std::string, std::string>> attributes;
};

// What `AuthenticationServer` says: "host:port" or "http://host:port/path".
struct AuthenticationServer {
  static Result<AuthenticationServer> parse(std::string_view text);
  HostPort server;
  std::string path = "/";
};

// `extra_header`: "NAME: VALUE" of AuthenticationHeader, or empty. As nginx does it, user and
// password have "%XX" for blanks, control characters and "%"; so have the attributes.
// Errc::unavailable: it cannot be sent.
Result<HttpRequest> authentication_request(const AuthenticationServer& server,
                                           std::string_view extra_header,
                                           const AuthenticationQuestion& question);

struct AuthenticationAnswer {
  std::optional<HostPort> server;  // Auth-Server and Auth-Port; nothing: the directory says
  std::string user;                // Auth-User for the store; empty: as typed
  std::optional<Secret> password;  // Auth-Pass for the store; nothing: the client's
};

struct AuthenticationReply {
  enum class Outcome {
    accepted,
    refused,    // and after `wait` the client may try again; zero: it may not
    temporary,  // the server cannot say
    ask_again,  // after `wait`
  };
  Outcome outcome = Outcome::temporary;
  std::chrono::seconds wait{0};  // at most an hour
  std::string reason;            // Auth-Status, for the log; not for the client
  AuthenticationAnswer answer;   // when accepted
};
// Errc::protocol: an answer that means nothing, or two things.
Result<AuthenticationReply> read_authentication_reply(const HttpResponse& response);

}  // namespace openmmp::proxy
