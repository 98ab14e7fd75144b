// What one proxy tells the next of a client, whichever protocol carries it: IMAP's ID, POP3's
// XCLIENT. Nothing stands for what is not known or was not said. Pure.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/runtime/address.h"
#include "ipc/runtime/result.h"

namespace openmmp::proxy {

struct ForwardedClient {
  std::optional<SocketAddress> client;
  std::optional<SocketAddress> local;  // where the client connected to
  std::string session_id;
  std::optional<unsigned> ttl;  // how many proxies may still follow
  std::optional<bool> tls;      // whether the client spoke TLS
};

// Dovecot's number of proxies, so that we agree with one before or behind us.
constexpr unsigned first_ttl = 5;

// What can be sent as one in every protocol: some printable characters, no blank.
inline bool is_session_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// The ttl to send on. Errc::refused: it is used up, so proxies probably point at each other.
inline Result<unsigned> next_ttl(std::optional<unsigned> received) {
  const unsigned ttl = std::min(received.value_or(first_ttl), first_ttl);
  if (ttl <= 1) return fail(Errc::refused, "too many proxies, they seem to form a loop");
  return ttl - 1;
}

}  // namespace openmmp::proxy
