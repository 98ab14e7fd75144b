#include "workers/proxy/dial.h"

#include <fmt/format.h>
#include <netdb.h>

#include <string>

#include "ipc/runtime/offload.h"
#include "ipc/runtime/socket.h"

namespace openmmp::proxy {

namespace {

using Addresses = std::vector<SocketAddress>;

// Blocks. Runs on the thread pool, so it owns its argument.
Result<Addresses> look_up(const std::string& name, uint16_t port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int status = getaddrinfo(name.c_str(), nullptr, &hints, &list);
  if (status != 0) {
    return fail(Errc::unavailable,
                fmt::format("no address for '{}': {}", name, gai_strerror(status)));
  }
  Addresses addresses;
  for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
    addresses.push_back(SocketAddress::from(item->ai_addr));
    addresses.back().set_port(port);
  }
  freeaddrinfo(list);
  return addresses;
}

Task<Connection> connect_to(Loop& loop, SocketAddress address, Millis time) {
  Result<UniqueFd> socket = start_connect(address);
  if (!socket) co_return fail(socket.error());
  Connection connection(loop, std::move(*socket));
  connection.deadline(time, "connection");
  co_await connection.connected();
  co_return std::move(connection);
}

}  // namespace

Task<Addresses> resolve(Loop& loop, HostPort host) {
  const Result<SocketAddress> literal = SocketAddress::parse(host.host, host.port);
  if (literal) co_return Addresses(1, *literal);
  auto work = [name = host.host, port = host.port] { return look_up(name, port); };
  auto offloaded = offload(loop, std::move(work));
  Result<Addresses> addresses = co_await offloaded;
  co_return std::move(addresses);
}

Task<Connection> dial(Loop& loop, HostPort host, Millis time) {
  const Addresses addresses = co_await resolve(loop, host);
  Error last(Errc::unavailable, "no address");
  for (const SocketAddress& address : addresses) {
    Result<Connection> connection = co_await attempt(connect_to(loop, address, time));
    if (connection) co_return std::move(*connection);
    last = Error(connection.error().code,
                 fmt::format("{}: {}", address.to_string(), connection.error().detail));
  }
  co_return fail(std::move(last));
}

}  // namespace openmmp::proxy
