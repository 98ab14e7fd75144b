#include "ipc/runtime/address.h"

#include <arpa/inet.h>
#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace openmmp {

SocketAddress::SocketAddress() {
  std::memset(&storage_, 0, sizeof storage_);
  storage_.v4.sin_family = AF_INET;
}

SocketAddress SocketAddress::from(const sockaddr* address) {
  SocketAddress result;
  if (address->sa_family == AF_INET) {
    std::memcpy(&result.storage_.v4, address, sizeof result.storage_.v4);
    return result;
  }
  std::memcpy(&result.storage_.v6, address, sizeof result.storage_.v6);
  const in6_addr v6 = result.storage_.v6.sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    const in_port_t port = result.storage_.v6.sin6_port;
    result = SocketAddress();
    result.storage_.v4.sin_port = port;
    std::memcpy(&result.storage_.v4.sin_addr, v6.s6_addr + 12, 4);
  }
  return result;
}

Result<SocketAddress> SocketAddress::parse(std::string_view ip, uint16_t port) {
  const std::string text(ip);
  // inet_pton() would not see what stands behind a NUL.
  if (text.find('\0') != std::string::npos) return fail(Errc::protocol, "an IP address with NUL");
  SocketAddress result;
  if (inet_pton(AF_INET, text.c_str(), &result.storage_.v4.sin_addr) != 1) {
    std::memset(&result.storage_, 0, sizeof result.storage_);
    result.storage_.v6.sin6_family = AF_INET6;
    if (inet_pton(AF_INET6, text.c_str(), &result.storage_.v6.sin6_addr) != 1) {
      return fail(Errc::protocol, fmt::format("'{}' is not an IP address", text));
    }
  }
  result.set_port(port);
  return from(result.get());
}

SocketAddress SocketAddress::from_bytes(const IpBytes& ip, uint16_t port) {
  SocketAddress v6;
  v6.storage_.v6.sin6_family = AF_INET6;
  std::memcpy(&v6.storage_.v6.sin6_addr, ip.data(), ip.size());
  SocketAddress result = from(v6.get());
  result.set_port(port);
  return result;
}

SocketAddress SocketAddress::any_v4(uint16_t port) {
  SocketAddress result;
  result.set_port(port);
  return result;
}

socklen_t SocketAddress::size() const {
  return family() == AF_INET ? sizeof storage_.v4 : sizeof storage_.v6;
}

uint16_t SocketAddress::port() const {
  return ntohs(family() == AF_INET ? storage_.v4.sin_port : storage_.v6.sin6_port);
}

void SocketAddress::set_port(uint16_t port) {
  (family() == AF_INET ? storage_.v4.sin_port : storage_.v6.sin6_port) = htons(port);
}

IpBytes SocketAddress::ip_bytes() const {
  IpBytes ip{};
  if (family() == AF_INET) {
    ip[10] = ip[11] = 0xff;
    std::memcpy(&ip[12], &storage_.v4.sin_addr, 4);
  } else {
    std::memcpy(ip.data(), &storage_.v6.sin6_addr, ip.size());
  }
  return ip;
}

bool SocketAddress::is_any() const {
  if (family() == AF_INET) return storage_.v4.sin_addr.s_addr == htonl(INADDR_ANY);
  return ip_bytes() == IpBytes{};
}

std::string SocketAddress::ip() const {
  if (family() == AF_INET) {
    const uint32_t ip = ntohl(storage_.v4.sin_addr.s_addr);
    return fmt::format(FMT_COMPILE("{}.{}.{}.{}"), ip >> 24, ip >> 16 & 255, ip >> 8 & 255,
                       ip & 255);
  }
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, &storage_.v6.sin6_addr, text, sizeof text);
  return text;
}

std::string SocketAddress::to_string() const { return HostPort(ip(), port()).to_string(); }

std::string HostPort::to_string() const {
  if (port == 0) return host;
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? fmt::format(FMT_COMPILE("[{}]:{}"), host, port)
            : fmt::format(FMT_COMPILE("{}:{}"), host, port);
}

namespace {

Result<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    return fail(Errc::protocol, fmt::format("'{}' is not a port (1 to 65535)", text));
  }
  return port;
}

Result<HostPort> with_port(std::string_view host, std::string_view port_text) {
  if (host.empty()) return fail(Errc::protocol, "the host is empty");
  const Result<uint16_t> port = parse_port(port_text);
  if (!port) return fail(port.error());
  return HostPort(std::string(host), *port);
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
  const bool odd =
      std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c == 127; });
  if (text.empty() || odd) return fail(Errc::protocol, fmt::format("'{}' is not a host", text));
  if (text.front() == '[') {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return fail(Errc::protocol, "']' is missing");
    const std::string_view host = text.substr(1, close - 1);
    if (!SocketAddress::parse(host, 0)) return fail(Errc::protocol, "no IPv6 address in brackets");
    const std::string_view rest = text.substr(close + 1);
    if (rest.empty()) return HostPort(std::string(host), 0);
    if (rest.front() != ':') return fail(Errc::protocol, "':' and a port expected behind ']'");
    return with_port(host, rest.substr(1));
  }
  const auto colons = std::count(text.begin(), text.end(), ':');
  if (colons == 0) return HostPort(std::string(text), 0);
  if (colons == 1)
    return with_port(text.substr(0, text.find(':')), text.substr(text.find(':') + 1));
  if (!SocketAddress::parse(text, 0)) {
    return fail(Errc::protocol, fmt::format("'{}' is neither host:port nor an IPv6 address", text));
  }
  return HostPort(std::string(text), 0);
}

}  // namespace openmmp
