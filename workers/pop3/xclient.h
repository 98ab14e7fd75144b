// POP3's XCLIENT as Dovecot has it: one line by which a trusted proxy says who the client is,
// "XCLIENT ADDR=192.0.2.1 PORT=1234 SESSION=abc TTL=4". Values stand as they are, without xtext:
// Dovecot neither writes nor reads it, and none of ours needs it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ipc/runtime/result.h"
#include "workers/proxy/forwarded_client.h"

namespace openmmp::pop3 {

// What a server says it takes.
struct XclientOffer {
  bool addr = true, port = true, session = true, ttl = true;
  bool destaddr = false, destport = false;  // younger, so only where they are named
  bool operator==(const XclientOffer&) const = default;
};

// How we offer it: in front of the greeting's text, and as a line of the answer to CAPA.
constexpr std::string_view xclient_greeting = "[XCLIENT] ";
constexpr std::string_view xclient_capability = "XCLIENT ADDR PORT SESSION TTL DESTADDR DESTPORT";

// A greeting "+OK [XCLIENT] ...", which names no attributes, or a line of the answer to CAPA, which
// may. Nothing: this line does not offer it.
std::optional<XclientOffer> offered_xclient(std::string_view line);

// Without line end. Empty when nothing that the server takes is known.
std::string xclient_line(const proxy::ForwardedClient& facts, const XclientOffer& offer);

// The same from a trusted proxy; attributes that are not known to us are passed over.
// Errc::protocol: a value is malformed; the text may be sent to the proxy.
Result<proxy::ForwardedClient> parse_xclient(std::string_view line);

}  // namespace openmmp::pop3
