// What the protocols tell the proxy about a login, and what the proxy tells them about its end.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "ipc/runtime/secret.h"
#include "workers/sasl/mechanism.h"
#include "workers/sasl/oauth.h"

namespace openmmp::proxy {

// What speaks for a login, and whose business it is to check.
enum class Proof {
  password,     // the store's
  token,        // the store's
  checked,      // nobody's any more: a mechanism has been through with it here
  certificate,  // the directory's: that of the client's TLS
};

// A token and how it was brought.
struct Token {
  Token(sasl::Mechanism m, sasl::OauthMessage o) : mechanism(m), message(std::move(o)) {}
  sasl::Mechanism mechanism;
  sasl::OauthMessage message;
};

// What the client gave. The secrets die with it, before the relay starts.
struct Login {
  Login() = default;
  Login(std::string u, Secret p) : user(std::move(u)), password(std::move(p)) {}
  std::string user;   // whose mailbox, as typed; empty: the one that goes with the certificate
  std::string actor;  // who logs in for that user, when it is somebody else
  Proof proof = Proof::password;
  Secret password;               // of the actor, or of the user
  std::unique_ptr<Token> token;  // of the user; seldom, so no burden to every other login
};

// What to show to a store. Refers to what outlives the login there.
struct StoreCredentials {
  std::string name;   // whose mailbox, as the store knows it
  std::string actor;  // whose password it is, when it is not that user's
  const Secret* password = nullptr;
  const Token* token = nullptr;  // in place of a password
};

// What a client may know of why its login failed. Nothing here tells whether the user exists.
enum class Refusal {
  credentials,  // the name or the password is wrong
  unavailable,  // temporary: the directory, a limit
  held,         // temporary, and the user is known: the mailbox is on hold, or the store said so
  store_down,   // temporary: the user's store cannot be reached or does not behave
  too_many,     // the user has as many sessions as one may have
};

}  // namespace openmmp::proxy
