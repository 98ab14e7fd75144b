// Our half of a login at a store: greeting, STARTTLS, capabilities, ID, LOGIN or AUTHENTICATE, up
// to the store's answer. It lives for one login, inside ImapDialect::log_in_to(); whatever it is
// given must outlive it. Nothing of what the store says before its yes reaches the client.
#pragma once

#include <string>
#include <string_view>

#include "ipc/runtime/secret.h"
#include "ipc/runtime/task.h"
#include "workers/imap/capability.h"
#include "workers/imap/response.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/store_access.h"

namespace openmmp::imap {

// The store's yes as the client gets to see it.
struct Welcome {
  std::string capability;  // "CAPABILITY ..." when it came as a line of its own
  std::string answer;      // without the tag: "OK [CAPABILITY ...] Logged in"
};

class StoreLogin {
 public:
  StoreLogin(proxy::Connection& store, const proxy::StoreAccess& access, StoreCapabilities& learnt)
      : store_(store), access_(access), learnt_(learnt) {}
  StoreLogin(const StoreLogin&) = delete;
  StoreLogin& operator=(const StoreLogin&) = delete;
  ~StoreLogin() { wipe(out_); }

  // Whether the store may be told who the client is; and the argument of ID to tell it with.
  bool may_forward() const;
  void forward(std::string id) { id_ = std::move(id); }

  // Errc::refused, Errc::unavailable, or anything else when the store does not behave.
  Task<Welcome> run();
  // Whether the store is there and speaks IMAP, and a polite end. An Error says what is wrong.
  Task<> probe();
  // What the store had to say, in base64, of a token that it refused.
  std::string take_challenge() { return std::move(challenge_); }

 private:
  Task<> read_greeting();
  Task<> start_tls();
  Task<> ask_capability();
  void forward_client();
  Task<> show_credentials();
  Task<> log_in(const std::string& name, const Secret& password);
  Task<> log_in_for_user();
  Task<> authenticate(std::string mechanism, const Secret& response);
  Task<> show_token(const proxy::Token& token);
  Task<> add_string(const std::string& text);
  Task<> send();
  Task<> log_out();
  Task<> next_line();
  Task<> next_reply();
  Result<> answer_is_yes() const;
  Result<> password_is_awaited() const;
  void learn(std::string_view list);
  void start_command(std::string_view text);
  void append(std::string_view text);

  proxy::Connection& store_;
  const proxy::StoreAccess& access_;
  StoreCapabilities& learnt_;
  StoreOffer offer_;
  std::string separate_capability_;
  std::string id_;      // the argument of ID, and
  std::string id_tag_;  // its tag, until it has been answered
  std::string challenge_;
  std::string out_;  // what is to be sent next; may hold the password
  std::string tag_;
  int commands_ = 0;
  int lines_ = 0;
  std::string line_;  // the last line of the store
  Response reply_;    // views into line_
};

}  // namespace openmmp::imap
