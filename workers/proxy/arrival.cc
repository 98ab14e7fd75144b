#include "workers/proxy/arrival.h"

#include <fmt/format.h>

#include "workers/proxy/proxy_header.h"
#include "workers/proxy/session_log.h"

namespace openmmp::proxy {

namespace {

Task<ProxyHeader> read_proxy_header(Connection& client) {
  for (;;) {
    std::optional<ParsedProxyHeader> parsed = co_await parse_proxy_header(client.buffered());
    if (parsed) {
      client.consume(parsed->length);
      co_return std::move(parsed->header);
    }
    co_await client.more_input();
  }
}

ForwardedClient client_of(const ProxyHeader& header) {
  ForwardedClient said;
  said.client = header.source;
  said.local = header.destination;
  if (is_session_id(header.unique_id)) said.session_id = header.unique_id;
  said.tls = header.tls.has_value();
  return said;
}

// What there is besides addresses is for the log alone.
void log_details(const SessionContext& context, const ProxyHeader& header) {
  std::string details;
  if (!header.authority.empty()) details += ", server name " + header.authority;
  if (!header.alpn.empty()) details += ", protocol " + header.alpn;
  if (header.tls) {
    details += fmt::format(", {} {}", header.tls->version, header.tls->cipher);
    if (!header.tls->common_name.empty()) details += ", certificate of " + header.tls->common_name;
  }
  if (details.empty()) return;
  context.log.write(LogLevel::info, context.id, "client {} came by a proxy{}", context.client_name,
                    excerpt(details, 512));
}

}  // namespace

bool needs_arrival(const SessionContext& context, const Services& services) {
  return context.tls_at_connect || (context.trusted && services.settings.proxy_protocol) ||
         needs_admission(context, services);
}

Task<> arrive(Connection& client, SessionContext& context, Seats& seats, Services& services) {
  if (context.trusted && services.settings.proxy_protocol) {
    client.deadline(services.settings.login_timeout, "PROXY header");
    const ProxyHeader header = co_await read_proxy_header(client);
    if (!header.local) {
      co_await believe(context, client_of(header));
      log_details(context, header);
      // What follows is the client's own word, also what it says of itself by ID or XCLIENT.
      context.trusted = false;
    }
  }
  co_await admit(client, context, seats, services);
  if (!context.tls_at_connect) co_return;
  if (!services.tls) co_await fail(Errc::internal, "TLS is not set up");
  client.deadline(services.settings.login_timeout, "TLS handshake");
  Result<> shaken = co_await attempt(client.begin_tls(services.tls->accept(), true));
  if (!shaken) {
    log_tls_failure(context, shaken.error());
    co_await fail(std::move(shaken.error()));
  }
  log_tls(context, *client.tls());
}

Task<> start_tls(Connection& client, const SessionContext& context,
                 const tls::ServerContext& server, std::string go_ahead) {
  Result<> shaken = co_await attempt(client.upgrade(server.accept(), std::move(go_ahead)));
  if (!shaken) {
    log_tls_failure(context, shaken.error());
    co_await fail(std::move(shaken.error()));
  }
  log_tls(context, *client.tls());
}

}  // namespace openmmp::proxy
