#include "workers/proxy/store_access.h"

#include <fmt/format.h>

#include <algorithm>

#include "ipc/runtime/socket.h"
#include "workers/proxy/dial.h"
#include "workers/proxy/proxy_header.h"

namespace openmmp::proxy {

std::string proxy_header_for(const Store& store, const Connection& client,
                             const SessionContext& context) {
  if (store.forwarding.proxy_version == 0) return {};
  const ForwardedClient facts = introduce_client(client, context);
  ProxyHeader header;
  header.source = *facts.client;
  header.destination = *facts.local;
  header.unique_id = facts.session_id;
  if (const tls::Stream* tls = client.tls()) {
    const tls::Facts about = tls->facts();
    header.authority = about.server_name;
    header.tls.emplace();
    header.tls->version = about.version;
    header.tls->cipher = about.cipher;
    header.tls->client_cert = header.tls->verified = tls->peer_certificate().has_value();
  }
  return store.forwarding.proxy_version == 1 ? proxy_v1(header) : proxy_v2(header);
}

bool leads_to_us(const Connection& store, uint16_t port, const Services& services) {
  const auto& ours = services.listeners;
  const bool may_be = std::any_of(ours.begin(), ours.end(), [port](const SocketAddress& listener) {
    return listener.port() == port;
  });
  if (!may_be) return false;
  const SocketAddress there = peer_address(store.fd());
  const bool on_this_host = there.ip_bytes() == local_address(store.fd()).ip_bytes();
  return std::any_of(ours.begin(), ours.end(), [&](const SocketAddress& listener) {
    if (listener.port() != port) return false;
    return listener.ip_bytes() == there.ip_bytes() || (listener.is_any() && on_this_host);
  });
}

Task<StoreConnection> reach_store(const directory::Route& route, const Connection& client,
                                  const SessionContext& context, LoginRecord& record,
                                  Services& services) {
  record.stage = Stage::connect;
  Error last(Errc::unavailable, "no store");
  for (HostPort host : route.hosts) {
    const Store& store = services.stores.find(host);
    if (host.port == 0) host.port = store.port;
    record.server = host.to_string();
    StoreTraffic::Turn turn(services.store_traffic, record.server, store.connect_timeout);
    Result<StoreTraffic::Attempt> way = co_await turn;
    if (!way) {
      last = way.error();
      continue;
    }
    if (context.debugs("connect")) log_detail(context, "connects to store {}", record.server);
    auto reaching = store.is_plain() ? dial(services.loop, services.resolver, host, store)
                                     : dial_through(services.loop, services.resolver, host, store,
                                                    proxy_header_for(store, client, context));
    Result<Connection> connection = co_await attempt(std::move(reaching));
    if (connection && leads_to_us(*connection, host.port, services)) {
      last = Error(Errc::unavailable, "it is this multiplexor itself");
      continue;
    }
    if (connection) {
      way->connected();
      co_return StoreConnection(std::move(*connection), store, std::move(host), std::move(*way));
    }
    last = Error(Errc::unavailable, connection.error().detail);
    services.shared.store_failed(record.server, last.detail);
    // The line of the login has room for the last one only.
    context.log.write(LogLevel::info, context.id, "store {} cannot be reached: {}", record.server,
                      last.detail);
  }
  co_return fail(std::move(last));
}

}  // namespace openmmp::proxy
