// POP3 for the proxy (workers/proxy/dialect.h): what a client and a store hear from us until they
// are connected to each other. One object a session. The client's Connection and the context must
// outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ipc/runtime/task.h"
#include "workers/pop3/command.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/login.h"
#include "workers/proxy/session_context.h"

namespace openmmp::pop3 {

// POP3 sessions of a worker share nothing.
struct Shared {};

class Pop3Dialect {
 public:
  using Shared = pop3::Shared;
  static constexpr uint16_t default_port = 110;
  static constexpr const char* relay_farewell = "";  // a POP3 server speaks when it is asked

  Pop3Dialect(proxy::Connection& client, const proxy::SessionContext& context, Shared&)
      : client_(client), context_(context), settings_(context.settings) {}

  Task<proxy::Login> authenticate();
  Task<> log_in_to(proxy::Connection& store, const std::string& replay_name,
                   const proxy::Login& login);
  Task<> accept();
  Task<> refuse(proxy::Refusal why);
  Task<> farewell(const Error& error);

 private:
  Task<Command> read_command();
  Task<> answer(Command command);
  Task<std::optional<proxy::Login>> take_pass(Command command);
  Task<std::optional<proxy::Login>> take_auth(Command command);
  Task<> say(std::string line);
  Task<> bad(std::string text);
  std::string banner() const;

  proxy::Connection& client_;
  const proxy::SessionContext& context_;
  const config::Settings& settings_;
  bool greeted_ = false;
  int commands_ = 0;
  int bad_commands_ = 0;
  std::string user_;     // of USER, until PASS
  std::string welcome_;  // the store's yes
};

}  // namespace openmmp::pop3
