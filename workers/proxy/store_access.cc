#include "workers/proxy/store_access.h"

#include <fmt/format.h>

#include "workers/proxy/dial.h"
#include "workers/proxy/proxy_header.h"

namespace openmmp::proxy {

namespace {

directory::Query query_for(const std::string& user, const SessionContext& context) {
  return directory::Query(user, context.client.ip());
}

// Whether `actor` may log in as somebody else (AdminPolicy).
Task<> check_actor(std::string actor, const SessionContext& context, Services& services) {
  const config::Settings& settings = services.settings;
  bool may = false;
  if (settings.admin_policy == config::AdminPolicy::simple) {
    may = !settings.store_admin.empty() && actor == settings.store_admin;
  } else {
    directory::Query query = query_for(actor, context);
    may = co_await services.directory.is_member(std::move(query), settings.admin_groups);
  }
  if (!may) co_await fail(Errc::refused, fmt::format("'{}' may not act for others", actor));
}

Task<directory::Route> find_for_actor(const Login& login, const SessionContext& context,
                                      Services& services) {
  co_await check_actor(login.actor, context, services);
  directory::Query query = query_for(login.user, context);
  co_return co_await services.directory.find_route(std::move(query), nullptr);
}

Task<directory::Route> find_by_certificate(const Login& login, const Connection& client,
                                           const SessionContext& context, Services& services) {
  const tls::Stream* tls = client.tls();
  std::optional<tls::PeerCertificate> shown;
  if (tls != nullptr) shown = tls->peer_certificate();
  if (!shown) co_await fail(Errc::refused, "the client has shown no certificate");
  directory::CertificateQuery query(shown->subject, shown->issuer, shown->der);
  directory::Route owner =
      co_await services.directory.find_by_certificate(std::move(query), nullptr);
  // Its name must lead back to the entry: where users are found by another name than uid, it may be
  // somebody else's at the store.
  directory::Query back = query_for(owner.user, context);
  back.wants_dn = true;
  directory::Route found = co_await services.directory.find_route(std::move(back), nullptr);
  if (!is_same_entry(found, owner)) {
    co_await fail(Errc::refused, fmt::format("the certificate is of '{}', the name '{}' is not",
                                             owner.dn, owner.user));
  }
  if (login.user.empty()) co_return std::move(found);
  directory::Query named = query_for(login.user, context);
  named.wants_dn = true;
  directory::Route route = co_await services.directory.find_route(std::move(named), nullptr);
  if (!is_same_entry(route, owner)) co_await check_actor(owner.user, context, services);
  co_return std::move(route);
}

// The proxy in front of us need not listen to what we say to its ID or XCLIENT.
Task<directory::Route> refuse_loop() {
  co_return fail(Errc::unavailable, "too many proxies, they seem to form a loop");
}

// The PROXY header that a store is to get before anything else; empty: none.
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

Task<Connection> reach(HostPort host, const Store& store, const Connection& client,
                       const SessionContext& context, Services& services) {
  Connection connection = co_await dial(services.loop, services.resolver, host, store);
  std::string header = proxy_header_for(store, client, context);
  if (!header.empty()) co_await connection.write(std::move(header));
  if (store.tls == StoreTls::at_connect) {
    connection.deadline(store.connect_timeout, "TLS handshake of the store");
    co_await connection.begin_tls(store.start_tls(host.host), false);
  }
  co_return std::move(connection);
}

}  // namespace

// No coroutine: the usual login spends none on what is not asked.
Task<directory::Route> find_mailbox(const Login& login, const Connection& client,
                                    const SessionContext& context, Services& services) {
  if (context.in_loop) return refuse_loop();
  if (login.proof == Proof::certificate) {
    return find_by_certificate(login, client, context, services);
  }
  if (!login.actor.empty()) return find_for_actor(login, context, services);
  return services.directory.find_route(query_for(login.user, context), nullptr);
}

Result<StoreCredentials> credentials_for(const Login& login, const directory::Route& route,
                                         const config::Settings& settings) {
  StoreCredentials credentials;
  credentials.name = route.replay_name;
  credentials.password = &login.password;
  if (login.proof == Proof::checked || login.proof == Proof::certificate) {
    if (settings.store_admin.empty()) {
      return fail(Errc::unavailable, "this login needs StoreAdmin, which is not set");
    }
    credentials.actor = settings.store_admin;
    credentials.password = &settings.store_admin_pass;
  } else if (login.token) {
    credentials.token = login.token.get();
  } else {
    credentials.actor = login.actor;
  }
  return credentials;
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
    auto reaching = store.is_plain() ? dial(services.loop, services.resolver, host, store)
                                     : reach(host, store, client, context, services);
    Result<Connection> connection = co_await attempt(std::move(reaching));
    if (connection) co_return StoreConnection(std::move(*connection), store, std::move(host.host));
    last = connection.error();
  }
  co_return fail(std::move(last));
}

}  // namespace openmmp::proxy
