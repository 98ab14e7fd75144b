// Socket addresses, and "host:port" as configurations and directories write it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/runtime/result.h"

namespace openmmp {

// An IPv6 address in network order; an IPv4 one in its mapped form.
using IpBytes = std::array<uint8_t, 16>;

// An IPv4 or IPv6 address with a port. 28 bytes, a value.
class SocketAddress {
 public:
  SocketAddress();
  // From accept(2), getsockname(2), getaddrinfo(3). An IPv4-mapped IPv6 address becomes IPv4, so
  // that one client is one client whichever listener it came through.
  static SocketAddress from(const sockaddr* address);
  // `ip` is an IPv4 or IPv6 literal, without brackets; mapped ones become IPv4 here too. No name is
  // looked up.
  static Result<SocketAddress> parse(std::string_view ip, uint16_t port);
  static SocketAddress from_bytes(const IpBytes& ip, uint16_t port);
  static SocketAddress any_v4(uint16_t port);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const;
  int family() const { return storage_.v6.sin6_family; }
  uint16_t port() const;
  void set_port(uint16_t port);
  IpBytes ip_bytes() const;
  bool is_any() const;            // 0.0.0.0, ::
  std::string ip() const;         // "192.0.2.1", "2001:db8::1"
  std::string to_string() const;  // "192.0.2.1:143", "[2001:db8::1]:143"

 private:
  union {
    sockaddr_in v4;
    sockaddr_in6 v6;
  } storage_;
};

struct HostPort {
  HostPort() = default;
  HostPort(std::string h, uint16_t p) : host(std::move(h)), port(p) {}
  std::string host;
  uint16_t port = 0;  // 0: none was given
  std::string to_string() const;
  bool operator==(const HostPort&) const = default;
};

// "host", "host:port", "[v6]:port", "v6" (a literal with two or more colons has no port).
Result<HostPort> parse_host_port(std::string_view text);

}  // namespace openmmp
