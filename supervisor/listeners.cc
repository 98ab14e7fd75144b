#include "supervisor/listeners.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>

#include "ipc/runtime/socket.h"

namespace openmmp::supervisor {

namespace {

Result<std::vector<SocketAddress>> resolve(const HostPort& wanted) {
  const std::string port = std::to_string(wanted.port);
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(wanted.host.c_str(), port.c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(error == 0 ? found : nullptr,
                                                             ::freeaddrinfo);
  if (error != 0) {
    return fail(Errc::refused,
                fmt::format("cannot listen on {}: {}", wanted.to_string(), ::gai_strerror(error)));
  }
  std::vector<SocketAddress> result;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    result.push_back(SocketAddress::from(entry->ai_addr));
  }
  return result;
}

// All interfaces: IPv4, and IPv6 where this host has it.
Result<std::vector<UniqueFd>> listen_everywhere(uint16_t port) {
  std::vector<UniqueFd> sockets;
  Result<UniqueFd> v4 = listen_tcp(SocketAddress::any_v4(port));
  if (!v4) return fail(std::move(v4.error()));
  sockets.push_back(std::move(*v4));
  const UniqueFd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Result<SocketAddress> any_v6 = SocketAddress::parse("::", port);
  if (!probe || !any_v6) return sockets;
  // A kernel may know IPv6 and have no address of it; that is no reason not to serve IPv4.
  Result<UniqueFd> v6 = listen_tcp(*any_v6);
  if (v6) {
    sockets.push_back(std::move(*v6));
  } else if (errno == EADDRINUSE) {
    // Another program's IPv6 clients would be taken for ours by whoever looks at the port number.
    return fail(std::move(v6.error()));
  }
  return sockets;
}

Result<std::vector<UniqueFd>> listen_on(const HostPort& wanted) {
  if (wanted.host.empty()) return listen_everywhere(wanted.port);
  const Result<std::vector<SocketAddress>> addresses = resolve(wanted);
  if (!addresses) return fail(addresses.error());
  std::vector<UniqueFd> sockets;
  for (const SocketAddress& address : *addresses) {
    Result<UniqueFd> socket = listen_tcp(address);
    if (!socket) return fail(std::move(socket.error()));
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

}  // namespace

Result<> Listeners::open(const std::vector<HostPort>& wanted) {
  std::map<std::string, Sockets> opened;
  // All problems at once: an operator should not have to find them one start at a time.
  std::string problems;
  for (const HostPort& entry : wanted) {
    const std::string name = entry.to_string();
    if (open_.count(name) != 0 || opened.count(name) != 0) continue;
    Result<Sockets> sockets = listen_on(entry);
    if (sockets) {
      opened.emplace(name, std::move(*sockets));
    } else {
      problems += (problems.empty() ? "" : "\n") + sockets.error().detail;
    }
  }
  if (!problems.empty()) return fail(Errc::refused, std::move(problems));
  open_.merge(opened);
  return {};
}

void Listeners::close_all_but(const std::vector<HostPort>& wanted) {
  std::erase_if(open_, [&wanted](const auto& item) {
    return std::none_of(wanted.begin(), wanted.end(),
                        [&item](const HostPort& entry) { return entry.to_string() == item.first; });
  });
}

Result<std::vector<UniqueFd>> Listeners::duplicate(const std::vector<HostPort>& wanted) const {
  std::vector<UniqueFd> result;
  for (const HostPort& entry : wanted) {
    const auto found = open_.find(entry.to_string());
    if (found == open_.end()) {
      return fail(Errc::internal, fmt::format("{} is not open", entry.to_string()));
    }
    for (const UniqueFd& socket : found->second) {
      result.emplace_back(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
      if (!result.back()) return fail(Errc::limit, std::strerror(errno));
    }
  }
  return result;
}

std::vector<std::string> Listeners::addresses() const {
  std::vector<std::string> result;
  for (const auto& [name, sockets] : open_) {
    for (const UniqueFd& socket : sockets) {
      result.push_back(local_address(socket.get()).to_string());
    }
  }
  return result;
}

}  // namespace openmmp::supervisor
