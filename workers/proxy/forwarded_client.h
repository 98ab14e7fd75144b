// What one proxy tells the next of a client, whichever protocol carries it: IMAP's ID, POP3's
// XCLIENT. Nothing stands for what is not known or was not said. Pure.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/runtime/address.h"

namespace openmmp::proxy {

struct ForwardedClient {
  std::optional<SocketAddress> client;
  std::optional<SocketAddress> local;  // where the client connected to
  std::string session_id;
  std::optional<unsigned> ttl;  // how many proxies may still follow
  std::optional<bool> tls;      // whether the client spoke TLS
};

// What can be sent as one in every protocol: some printable characters, no blank.
inline bool is_session_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace openmmp::proxy
