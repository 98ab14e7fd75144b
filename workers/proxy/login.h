// What the protocols tell the proxy about a login, and what the proxy tells them about its end.
#pragma once

#include <string>
#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/secret.h"

namespace openmmp::proxy {

// What the client gave. The password dies with it, before the relay starts.
struct Login {
  Login() = default;
  Login(std::string u, Secret p) : user(std::move(u)), password(std::move(p)) {}
  std::string user;  // as typed
  Secret password;
};

// What a client may know of why its login failed. Nothing here tells whether the user exists.
enum class Refusal {
  credentials,  // the name or the password is wrong
  unavailable,  // temporary: the directory, a limit, the store said so
  store_down,   // temporary: the user's store cannot be reached or does not behave
};

}  // namespace openmmp::proxy
