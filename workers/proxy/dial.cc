#include "workers/proxy/dial.h"

#include <fmt/format.h>

#include "ipc/runtime/socket.h"

namespace openmmp::proxy {

namespace {

Task<Connection> connect_to(Loop& loop, SocketAddress address, const Store& store) {
  Result<UniqueFd> socket = start_connect(address, store.next_source(address.family()));
  if (!socket) co_return fail(socket.error());
  Connection connection(loop, std::move(*socket));
  connection.deadline(store.connect_timeout, "connection");
  co_await connection.connected();
  co_return std::move(connection);
}

}  // namespace

Task<Connection> dial(Loop& loop, Resolver& resolver, HostPort host, const Store& store) {
  const Addresses addresses = co_await resolver.resolve(host, store.connect_timeout);
  Error last(Errc::unavailable, "no address");
  for (const SocketAddress& address : addresses) {
    Result<Connection> connection = co_await attempt(connect_to(loop, address, store));
    if (connection) co_return std::move(*connection);
    last = Error(connection.error().code,
                 fmt::format("{}: {}", address.to_string(), connection.error().detail));
  }
  co_return fail(std::move(last));
}

Task<Connection> dial_through(Loop& loop, Resolver& resolver, HostPort host, const Store& store,
                              std::string proxy_header) {
  Connection connection = co_await dial(loop, resolver, host, store);
  if (!proxy_header.empty()) co_await connection.write(std::move(proxy_header));
  if (store.tls == StoreTls::at_connect) {
    connection.deadline(store.connect_timeout, "TLS handshake of the store");
    co_await connection.begin_tls(store.start_tls(host), false);
  }
  co_return std::move(connection);
}

}  // namespace openmmp::proxy
