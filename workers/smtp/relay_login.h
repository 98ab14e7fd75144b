// The name of a user who was checked here, handed on to a relay (RelayLogin).
#pragma once

#include <string>

#include "ipc/runtime/secret.h"
#include "ipc/runtime/task.h"
#include "workers/smtp/relay_access.h"

namespace openmmp::smtp {

enum class HandedOn {
  by_telling,   // XCLIENT or XPROXYEHLO, with what else the relay is told of the client
  by_admin,     // AUTH as StoreAdmin for the user
  by_password,  // AUTH as the user: nothing that could be said again, the password is gone
};

// `password` is the user's own; null: it is not known. A relay that waits for it is told of the
// client, too. Errc::refused: the relay will not have this client or user, and the detail is its
// reply, for the client. Other errors: it does not take the login, or cannot be told.
Task<HandedOn> hand_on_login(RelayConnection& relay, ClientFacts& facts, std::string user,
                             const Secret* password, const proxy::SessionContext& context,
                             Shared& shared, proxy::Services& services);

}  // namespace openmmp::smtp
