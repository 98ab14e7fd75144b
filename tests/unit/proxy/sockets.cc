#include "tests/unit/proxy/sockets.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "ipc/runtime/check.h"
#include "ipc/runtime/socket.h"

namespace openmmp::proxy {

std::pair<UniqueFd, UniqueFd> tcp_pair() {
  for (uint16_t port = static_cast<uint16_t>(12000 + ::getpid() % 15000); port < 32000; ++port) {
    Result<UniqueFd> listener = listen_tcp(*SocketAddress::parse("127.0.0.1", port));
    if (!listener) continue;
    Result<UniqueFd> ours = start_connect(*SocketAddress::parse("127.0.0.1", port));
    CHECK(ours);
    pollfd ready = {listener->get(), POLLIN, 0};
    CHECK(::poll(&ready, 1, 5000) == 1);
    SocketAddress peer;
    Result<UniqueFd> theirs = accept_tcp(listener->get(), peer);
    CHECK(theirs);
    return {std::move(*ours), std::move(*theirs)};
  }
  CHECK(false && "no free port");
}

std::string receive_some(int fd, bool& ended, size_t limit) {
  std::string got(limit, '\0');
  const ssize_t count = ::recv(fd, got.data(), got.size(), MSG_DONTWAIT);
  if (count == 0 || (count < 0 && errno != EAGAIN)) ended = true;
  got.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return got;
}

std::string pattern(size_t size) {
  std::string text(size, '\0');
  uint32_t state = 1;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

}  // namespace openmmp::proxy
