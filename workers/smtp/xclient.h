// Postfix's XCLIENT: who the client of the next commands is, told to a relay or, by a trusted peer,
// to us (XCLIENT_README). Values are xtext (RFC 3461 section 4). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/result.h"

namespace openmmp::smtp {

constexpr size_t longest_xclient_value = 255;

// `text` as xtext: all but printable ASCII, and "+" and "=", as +XX.
std::string xtext(std::string_view text);
Result<std::string> parse_xtext(std::string_view text);

// What a relay can be told of a client, whichever way.
struct ClientFacts {
  SocketAddress client;
  SocketAddress local;  // where it connected to
  // By DNS and verified; nothing: it has none, or nobody has asked. temporary: DNS did not answer.
  std::optional<std::string> name;
  bool name_unknown_for_now = false;
  std::string helo;      // as it called itself
  bool extended = true;  // by EHLO
  std::string login;     // who has logged in here; empty: nobody
  std::string tls;       // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty: none
  std::string channel;   // asked for (PopBeforeSmtpKludgeChannel); empty: none
};

// The name as a relay is told it: [UNAVAILABLE] or [TEMPUNAVAIL] when it is not known or is none
// that a host can have, whatever DNS said.
std::string told_name(const ClientFacts& facts);
// "192.0.2.1", "IPV6:2001:db8::1"
std::string told_address(const SocketAddress& address);

// The commands, without line end and at most 512 octets each with it, with those of the facts that
// `offered` names in upper case; none when there is nothing to say, two at most, and LOGIN is in
// the last. A value that is longer as xtext than longest_xclient_value is left out.
std::vector<std::string> xclient_commands(const ClientFacts& facts,
                                          const std::vector<std::string>& offered);

// What a trusted peer says; what it does not say is not set. "[UNAVAILABLE]" is not set either.
// No value has a control character in it. Attributes that are not known to us are passed over.
struct XclientFacts {
  std::optional<SocketAddress> client;
  std::optional<SocketAddress> local;
  std::optional<std::string> name;
  std::optional<std::string> helo;
  std::optional<std::string> login;
};
// `arguments` of the command. Errc::protocol: the text may be sent to the peer.
Result<XclientFacts> parse_xclient(std::string_view arguments);
// What we announce to trusted peers.
inline constexpr std::string_view xclient_offer =
    "XCLIENT NAME ADDR PORT PROTO HELO DESTADDR DESTPORT";

}  // namespace openmmp::smtp
