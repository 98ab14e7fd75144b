// The PROXY protocol, versions 1 and 2, as HAProxy's proxy-protocol.txt has it: the bytes in front
// of a connection with which a load balancer says for whom it is, and we say so to a store. Whether
// the sender may be believed is the caller's business. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/runtime/address.h"
#include "ipc/runtime/result.h"

namespace openmmp::proxy {

constexpr size_t max_proxy_v1 = 107;
// What follows the 16 bytes that every version 2 header begins with.
constexpr size_t max_proxy_v2_block = 4096;

// What the sender says of TLS between the client and itself.
struct ProxiedTls {
  std::string version, cipher, common_name;
  bool client_cert = false;  // the client has shown a certificate
  bool verified = false;     // and it was found good
  bool operator==(const ProxiedTls&) const = default;
};

// Strings are UTF-8 of one line and at most 255 bytes; what came otherwise is left out.
struct ProxyHeader {
  // For the sender's own connections, and where it does not know: the addresses are those of the
  // connection itself, the ones below say nothing.
  bool local = false;
  SocketAddress source;
  SocketAddress destination;
  std::string authority;  // the server name that the client asked for
  std::string alpn;
  std::string unique_id;
  std::optional<ProxiedTls> tls;
};

struct ParsedProxyHeader {
  ProxyHeader header;
  size_t length = 0;  // what comes behind it is the client's
};

// `bytes` are those that have come so far. Nothing means that more are needed. Errc::protocol as
// soon as they can become no header.
Result<std::optional<ParsedProxyHeader>> parse_proxy_header(std::string_view bytes);

// Version 1 has room for the addresses only. Where these are of two families, both are written as
// IPv6.
std::string proxy_v1(const ProxyHeader& header);
// All of it, with a checksum; of a local header nothing but that it is one.
std::string proxy_v2(const ProxyHeader& header);

}  // namespace openmmp::proxy
