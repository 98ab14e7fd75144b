#include "workers/proxy/http_exchange.h"

#include <fmt/format.h>

#include <algorithm>

#include "ipc/runtime/secret.h"
#include "ipc/runtime/socket.h"
#include "workers/proxy/connection.h"

namespace openmmp::proxy {
namespace {

// To the first address that accepts. One that is silent gets its share of what is left of the time,
// so that the next has its turn.
Task<Connection> connect(Loop& loop, Resolver& resolver, HostPort server, Millis until) {
  const Addresses addresses = co_await resolver.resolve(server, until - loop.now());
  Error last(Errc::unavailable, "no address");
  for (size_t i = 0; i < addresses.size(); ++i) {
    Result<UniqueFd> socket = start_connect(addresses[i]);
    if (!socket) {  // of a family that this host has no way to, perhaps
      last = std::move(socket.error());
      continue;
    }
    Connection connection(loop, std::move(*socket));
    const auto left = static_cast<int>(addresses.size() - i);
    connection.deadline((until - loop.now()) / left, "connection");
    Result<> connected = co_await attempt(connection.connected());
    if (connected) co_return std::move(connection);
    last = std::move(connected.error());
  }
  co_return fail(std::move(last));
}

Task<HttpResponse> receive(Connection& connection, bool wants_body) {
  constexpr size_t most_at_once = 16 * 1024;
  HttpReader reader(wants_body);
  for (;;) {
    while (!reader.complete() && connection.has_buffered_input()) {
      const size_t count = std::min(connection.buffered().size(), most_at_once);
      std::string bytes = co_await connection.read_bytes(count);
      const Result<> added = reader.add(bytes);
      wipe(bytes);
      co_await added;
    }
    if (reader.complete()) break;
    const Result<> more = co_await attempt(connection.more_input());
    if (more) continue;
    // The end of the connection may be the end of the answer, unless it was lost.
    if (more.error().code != Errc::closed || !connection.present()) co_return fail(more.error());
    co_await reader.end();
  }
  co_return reader.take();
}

Task<HttpResponse> exchange(Loop& loop, Resolver& resolver, const HttpRequest& request,
                            Millis time) {
  const Millis until = loop.now() + time;
  Connection connection = co_await connect(loop, resolver, request.server, until);
  connection.deadline(until - loop.now(), "answer");
  std::string text = co_await encode(request);
  co_await connection.write(std::move(text));
  co_return co_await receive(connection, request.wants_body);
}

}  // namespace

Task<HttpResponse> http_exchange(Loop& loop, Resolver& resolver, HttpRequest request, Millis time) {
  Result<HttpResponse> response = co_await attempt(exchange(loop, resolver, request, time));
  if (response) co_return std::move(*response);
  co_return fail(Errc::unavailable,
                 fmt::format("{}: {}", request.server.to_string(), response.error().detail));
}

}  // namespace openmmp::proxy
