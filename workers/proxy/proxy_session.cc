#include "workers/proxy/proxy_session.h"

namespace openmmp::proxy {

Task<Connection> dial_first(directory::Route& route, LoginRecord& record, Services& services) {
  record.stage = Stage::connect;
  Error last(Errc::unavailable, "no store");
  for (HostPort host : route.hosts) {
    if (host.port == 0) host.port = services.default_port;
    record.server = host.to_string();
    Result<Connection> connection = co_await attempt(
        dial(services.loop, services.resolver, host, services.settings.connect_timeout));
    if (connection) co_return std::move(*connection);
    last = connection.error();
  }
  co_return fail(std::move(last));
}

}  // namespace openmmp::proxy
