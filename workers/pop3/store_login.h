// Our half of a login at a store: greeting, USER and PASS or AUTH PLAIN, up to the store's answer.
// It lives for one login, inside Pop3Dialect::log_in_to(); whatever it is given must outlive it.
// Nothing of what the store says before its yes reaches the client.
#pragma once

#include <string>

#include "ipc/runtime/secret.h"
#include "ipc/runtime/task.h"
#include "workers/pop3/response.h"
#include "workers/proxy/connection.h"

namespace openmmp::pop3 {

class StoreLogin {
 public:
  explicit StoreLogin(proxy::Connection& store) : store_(store) {}

  // The store's yes, "+OK ...". Errc::refused, Errc::unavailable, or anything else when the store
  // does not behave.
  Task<std::string> run(const std::string& name, const Secret& password);

 private:
  Task<> read_greeting();
  Task<bool> ask_for_plain();
  Task<> user_pass(const std::string& name, const Secret& password);
  Task<> auth_plain(const std::string& name, const Secret& password);
  Task<> exchange(std::string command);
  Task<> next_line();
  Result<> answer_is_yes() const;
  Result<> password_is_awaited() const;

  proxy::Connection& store_;
  std::string line_;   // the last line of the store
  Response response_;  // views into line_
};

}  // namespace openmmp::pop3
