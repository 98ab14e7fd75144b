// The SASL mechanism PLAIN, RFC 4616: [authzid] NUL authcid NUL passwd, one message from the
// client, and what a store is sent in turn. Pure. The protocols add base64 and their own framing.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "ipc/runtime/result.h"
#include "ipc/runtime/secret.h"

namespace openmmp::sasl {

struct PlainMessage {
  PlainMessage(std::string z, std::string c, Secret p)
      : authzid(std::move(z)), authcid(std::move(c)), password(std::move(p)) {}
  std::string authzid;  // who to act for; empty: the same as authcid
  std::string authcid;  // whose password it is
  Secret password;
};

// Takes a message apart. Errc::protocol: not such a message; Errc::refused: check_credentials().
// Whether authcid may act for another authzid is for the caller to decide.
Result<PlainMessage> parse_plain(std::string_view message);

// The base64 text for a store that knows `user` by that name. The caller wipes it.
std::string plain_response(std::string_view user, std::string_view password);
// The same for a login as `authcid`, an administrator of the store, on behalf of `authzid`.
std::string plain_response(std::string_view authzid, std::string_view authcid,
                           std::string_view password);

}  // namespace openmmp::sasl
