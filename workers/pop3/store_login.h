// Our half of a login at a store: greeting, STLS, who the client is, then USER and PASS or AUTH, up
// to the store's answer. It lives for one login, inside Pop3Dialect::log_in_to(); whatever it is
// given must outlive it. Nothing of what the store says before its yes reaches the client, except
// what it has against a token.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "ipc/runtime/secret.h"
#include "ipc/runtime/task.h"
#include "workers/pop3/response.h"
#include "workers/pop3/xclient.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/store_access.h"

namespace openmmp::pop3 {

class StoreLogin {
 public:
  // `client` is what a store that takes XCLIENT is told.
  StoreLogin(proxy::Connection& store, const proxy::StoreAccess& access,
             proxy::ForwardedClient client)
      : store_(store), access_(access), client_(std::move(client)) {}
  StoreLogin(const StoreLogin&) = delete;
  StoreLogin& operator=(const StoreLogin&) = delete;

  // The store's yes, "+OK ...". Errc::refused, Errc::unavailable, or anything else when the store
  // does not behave.
  Task<std::string> run();
  // Whether the store is there and speaks POP3, and a polite end. An Error says what is wrong.
  Task<> probe();
  // What the store had to say, in base64, of a token that it refused.
  std::string take_challenge() { return std::move(challenge_); }

 private:
  Task<> read_greeting();
  Task<> start_tls();
  bool needs_capabilities() const;
  Task<> ask_capabilities();
  void learn(const std::string& capability);
  Task<> forward_client();
  Task<> show_credentials();
  Task<> show_password();
  Task<> show_token(const proxy::Token& token);
  Task<> log_in_for_user();
  Task<> user_pass();
  Task<> authenticate(std::string mechanism, Secret message);
  Task<> exchange(std::string command);
  Task<> next_line();
  bool offers(std::string_view mechanism) const;
  Result<> answer_is_yes() const;
  Result<> message_is_awaited() const;

  proxy::Connection& store_;
  const proxy::StoreAccess& access_;
  const proxy::ForwardedClient client_;
  std::optional<XclientOffer> xclient_;  // as the store has announced it
  bool announced_in_clear_ = false;      // XCLIENT, before TLS
  std::string mechanisms_;               // the line of CAPA's answer
  std::string challenge_;
  std::string line_;   // the last line of the store
  Response response_;  // views into line_
};

}  // namespace openmmp::pop3
