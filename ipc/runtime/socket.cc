#include "ipc/runtime/socket.h"

#include <fmt/format.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>

namespace openmmp {

namespace {

constexpr int backlog = 4096;  // the kernel caps it at net.core.somaxconn

void set_option(int fd, int level, int name) {
  const int on = 1;
  setsockopt(fd, level, name, &on, sizeof on);
}

UniqueFd tcp_socket(int family) {
  return UniqueFd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace

Result<UniqueFd> listen_tcp(const SocketAddress& address) {
  UniqueFd fd = tcp_socket(address.family());
  if (fd) {
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR);
    set_option(fd.get(), SOL_SOCKET, SO_KEEPALIVE);
    set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);
    if (address.family() == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  }
  if (!fd || ::bind(fd.get(), address.get(), address.size()) != 0 ||
      ::listen(fd.get(), backlog) != 0) {
    return fail(Errc::refused,
                fmt::format("cannot listen on {}: {}", address.to_string(), std::strerror(errno)));
  }
  return fd;
}

Result<UniqueFd> accept_tcp(int listener, SocketAddress& peer) {
  sockaddr_storage storage;
  socklen_t size = sizeof storage;
  const int fd = ::accept4(listener, reinterpret_cast<sockaddr*>(&storage), &size,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    peer = SocketAddress::from(reinterpret_cast<sockaddr*>(&storage));
    return UniqueFd(fd);
  }
  const int error = errno;
  const bool exhausted = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
  return fail(exhausted ? Errc::limit : Errc::unavailable, std::strerror(error));
}

Result<UniqueFd> start_connect(const SocketAddress& address,
                               const std::optional<SocketAddress>& source) {
  UniqueFd fd = tcp_socket(address.family());
  if (!fd) return fail(Errc::limit, fmt::format("socket: {}", std::strerror(errno)));
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  if (source) {
    set_option(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    if (::bind(fd.get(), source->get(), source->size()) != 0) {
      return fail(Errc::unavailable,
                  fmt::format("connect from {}: {}", source->ip(), std::strerror(errno)));
    }
  }
  if (::connect(fd.get(), address.get(), address.size()) != 0 && errno != EINPROGRESS) {
    return fail(Errc::unavailable,
                fmt::format("connect to {}: {}", address.to_string(), std::strerror(errno)));
  }
  return fd;
}

namespace {

SocketAddress address_of(int fd, int (*name)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage;
  socklen_t size = sizeof storage;
  if (name(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return SocketAddress();
  return SocketAddress::from(reinterpret_cast<sockaddr*>(&storage));
}

}  // namespace

SocketAddress local_address(int fd) { return address_of(fd, getsockname); }
SocketAddress peer_address(int fd) { return address_of(fd, getpeername); }

}  // namespace openmmp
