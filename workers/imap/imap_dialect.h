// IMAP for the proxy (workers/proxy/dialect.h): what a client and a store hear from us until they
// are connected to each other. One object a session. The client's Connection, the context and the
// capabilities, which all sessions of a worker share, must outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ipc/runtime/task.h"
#include "workers/imap/command.h"
#include "workers/imap/store_login.h"
#include "workers/imap/syntax.h"
#include "workers/proxy/authenticator.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/login.h"
#include "workers/proxy/session_context.h"

namespace openmmp::imap {

class ImapDialect {
 public:
  using Shared = StoreCapabilities;
  static constexpr uint16_t default_port = 143;
  static constexpr const char* alpn = "imap";
  static constexpr const char* relay_farewell =
      "* BYE The server is going down, connect again.\r\n";

  ImapDialect(proxy::Connection& client, const proxy::SessionContext& context,
              proxy::Authenticator& authenticator, StoreCapabilities& capabilities)
      : client_(client),
        context_(context),
        settings_(context.settings()),
        authenticator_(authenticator),
        capabilities_(capabilities) {}

  Task<proxy::Login> authenticate();
  Task<> log_in_to(proxy::Connection& store, const proxy::StoreAccess& access);
  Task<> accept();
  Task<> refuse(proxy::Refusal why);
  Task<> farewell(const Error& error);
  static Task<> probe(proxy::Connection& store, const proxy::StoreAccess& access,
                      StoreCapabilities& capabilities);

 private:
  Task<Command> read_command();
  Task<Pieces> read_pieces();
  Task<bool> read_literal(Literal literal, size_t room, Pieces& pieces);
  Task<> answer(Command command);
  Task<> log_out();
  Task<> identify(Command command);
  Task<> start_tls();
  Task<proxy::Login> take_credentials(Command command);
  Task<> explain(const Error& error);
  // The end of the answer to the command, with `before` ahead of it.
  Task<> tagged(std::string text, std::string before = {});
  Task<> bad(std::string text);
  std::string announcement() const;
  std::string greeting() const;

  proxy::Connection& client_;
  const proxy::SessionContext& context_;
  const config::Settings& settings_;
  proxy::Authenticator& authenticator_;
  StoreCapabilities& capabilities_;
  bool greeted_ = false;
  int commands_ = 0;
  int bad_commands_ = 0;
  std::string tag_;   // of the command that is being answered
  IdList client_id_;  // what the client said about itself, for the store
  Welcome welcome_;
  std::string challenge_;  // what the store had against a token
};

}  // namespace openmmp::imap
