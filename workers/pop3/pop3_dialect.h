// POP3 for the proxy (workers/proxy/dialect.h): what a client and a store hear from us until they
// are connected to each other. One object a session. The client's Connection, the context and the
// Authenticator must outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ipc/runtime/task.h"
#include "workers/pop3/command.h"
#include "workers/pop3/spoof.h"
#include "workers/proxy/authenticator.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/login.h"
#include "workers/proxy/session_context.h"
#include "workers/proxy/store_access.h"

namespace openmmp::pop3 {

// What the POP3 sessions of a worker share: what is shown while a store is away, made of its file
// when it is first needed.
struct Shared {
  std::optional<SpoofMessage> spoof_message;
};

class Pop3Dialect {
 public:
  using Shared = pop3::Shared;
  static constexpr uint16_t default_port = 110;
  static constexpr const char* alpn = "pop3";
  static constexpr const char* relay_farewell = "";  // a POP3 server speaks when it is asked

  Pop3Dialect(proxy::Connection& client, const proxy::SessionContext& context,
              proxy::Authenticator& authenticator, Shared& shared)
      : client_(client),
        context_(context),
        settings_(context.settings()),
        authenticator_(authenticator),
        shared_(shared) {}

  Task<proxy::Login> authenticate();
  Task<> log_in_to(proxy::Connection& store, const proxy::StoreAccess& access);
  Task<> accept();
  Task<> refuse(proxy::Refusal why);
  Task<> farewell(const Error& error);
  static Task<> probe(proxy::Connection& store, const proxy::StoreAccess& access, Shared&);

 private:
  Task<Command> read_command();
  Task<> answer(Command command);
  Task<> take_user(Command command);
  Task<> start_tls();
  Task<> identify(Command command);
  Task<> tell_login(Command command);
  Task<proxy::Login> take_credentials(Command command);
  Task<proxy::Login> take_pass(std::string user, Secret password);
  Task<proxy::Login> take_auth(Command command);
  Task<> explain(const Error& error);
  bool shows_mailbox(proxy::Refusal why) const;
  Task<> show_mailbox();
  Task<> say(std::string text);
  Task<> bad(std::string text);
  std::string greeting() const;
  std::string capabilities() const;
  std::string mechanisms() const;

  proxy::Connection& client_;
  const proxy::SessionContext& context_;
  const config::Settings& settings_;
  proxy::Authenticator& authenticator_;
  Shared& shared_;
  bool greeted_ = false;
  bool between_ = false;  // neither plain text nor TLS: nothing can be said
  int commands_ = 0;
  int bad_commands_ = 0;
  std::string user_;       // of USER, until PASS
  std::string name_;       // of the last login
  std::string welcome_;    // the store's yes
  std::string challenge_;  // what the store had against a token
};

}  // namespace openmmp::pop3
