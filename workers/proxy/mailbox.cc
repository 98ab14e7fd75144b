#include "workers/proxy/mailbox.h"

#include <fmt/format.h>

#include <algorithm>

#include "workers/proxy/admission.h"

namespace openmmp::proxy {

namespace {

directory::Query query_for(const std::string& user, const Connection& client,
                           const SessionContext& context) {
  directory::Query query(user, context.client.ip());
  if (context.domain->wants_local_ip) query.local_ip = local_of(client, context).ip();
  const tls::Stream* const tls = client.tls();
  if (context.domain->wants_subject && tls != nullptr) {
    if (const auto shown = tls->peer_certificate()) query.certificate_subject = shown->subject;
  }
  return query;
}

// Whether `actor` may log in as somebody else (AdminPolicy).
Task<> check_actor(std::string actor, const Connection& client, const SessionContext& context) {
  const config::Settings& settings = context.settings();
  bool may = false;
  if (settings.admin_policy == config::AdminPolicy::simple) {
    may = !settings.store_admin.empty() && actor == settings.store_admin;
  } else {
    directory::Query query = query_for(actor, client, context);
    // One who has no mailbox may be an administrator; one who is shut out may not.
    const auto route = co_await attempt(context.directory().find_route(query, nullptr));
    if (route && route->standing != directory::Standing::active) {
      co_await fail(Errc::refused, route->standing_text);
    }
    may = co_await context.directory().is_member(std::move(query), settings.admin_groups);
  }
  if (!may) co_await fail(Errc::refused, fmt::format("'{}' may not act for others", actor));
}

Task<directory::Route> find_for_actor(const Login& login, const Connection& client,
                                      const SessionContext& context) {
  co_await check_actor(login.actor, client, context);
  directory::Query query = query_for(login.user, client, context);
  co_return co_await context.directory().find_route(std::move(query), nullptr);
}

// The same for everybody, with every step in the log (DebugKeys ldap).
Task<directory::Route> find_in_detail(const Login& login, const Connection& client,
                                      const SessionContext& context) {
  directory::Steps steps;
  directory::Query query = query_for(login.user, client, context);
  auto route = co_await attempt(context.directory().find_route(std::move(query), &steps));
  log_steps(context, steps);
  co_return co_await std::move(route);
}

Task<directory::Route> find_by_certificate(const Login& login, const Connection& client,
                                           const SessionContext& context) {
  directory::Directory& directory = context.directory();
  const tls::Stream* tls = client.tls();
  std::optional<tls::PeerCertificate> shown;
  if (tls != nullptr) shown = tls->peer_certificate();
  if (!shown) co_await fail(Errc::refused, "the client has shown no certificate");
  directory::CertificateQuery query(shown->subject, shown->issuer, shown->der);
  directory::Steps steps;
  auto found_owner = co_await attempt(directory.find_by_certificate(std::move(query), &steps));
  if (context.debugs("certmap")) log_steps(context, steps);
  const directory::Route owner = co_await std::move(found_owner);
  // Its name must lead back to the entry: where users are found by another name than uid, it may be
  // somebody else's at the store.
  directory::Query back = query_for(owner.user, client, context);
  back.wants_dn = true;
  directory::Route found = co_await directory.find_route(std::move(back), nullptr);
  if (!is_same_entry(found, owner)) {
    co_await fail(Errc::refused, fmt::format("the certificate is of '{}', the name '{}' is not",
                                             owner.dn, owner.user));
  }
  if (login.user.empty()) co_return std::move(found);
  directory::Query named = query_for(login.user, client, context);
  named.wants_dn = true;
  directory::Route route = co_await directory.find_route(std::move(named), nullptr);
  if (!is_same_entry(route, owner)) co_await check_actor(owner.user, client, context);
  co_return std::move(route);
}

// The proxy in front of us need not listen to what we say to its ID or XCLIENT.
Task<directory::Route> refuse_loop() {
  co_return fail(Errc::unavailable, "too many proxies, they seem to form a loop");
}

bool asks_server(const Login& login, const SessionContext& context) {
  return login.proof == Proof::password && login.actor.empty() &&
         context.domain->authentication_server && context.settings().pre_auth;
}

AuthenticationQuestion question_for(const Login& login, const Connection& client,
                                    const LoginRecord& record, const SessionContext& context,
                                    const Services& services) {
  AuthenticationQuestion question(login.user, Secret::copy_of(login.password.reveal()));
  question.protocol = services.protocol.name;
  question.attempt = record.attempt;
  question.client_ip = context.client.ip();
  if (context.name) question.client_name = context.name->name;
  question.tls = is_private(client, context);
  if (const tls::Stream* const tls = client.tls()) question.server_name = tls->facts().server_name;
  return question;
}

// The directory is asked for what the server is to be told, or does not tell.
Task<directory::Route> find_by_server(Login& login, const Connection& client,
                                      const SessionContext& context, LoginRecord& record,
                                      Services& services) {
  const config::Settings& settings = context.settings();
  directory::Directory& directory = context.directory();
  std::optional<directory::Route> route;
  AuthenticationQuestion question = question_for(login, client, record, context, services);
  if (!settings.authentication_ldap_attributes.empty()) {
    directory::Query query = query_for(login.user, client, context);
    route = co_await directory.find_route(std::move(query), nullptr);
    question.attributes = route->attributes;
  }
  Seconds wait{0};
  Result<AuthenticationAnswer> answer = co_await attempt(ask_authentication_server(
      services.loop, services.resolver, *context.domain->authentication_server,
      std::string(settings.authentication_header.reveal()), std::move(question),
      settings.authentication_timeout, &wait));
  if (!answer) {
    record.last = answer.error().code == Errc::refused && wait == Seconds(0);
    Sleep hold(services.loop, wait);
    co_await hold;
    co_await fail(std::move(answer.error()));
  }
  record.pre_authenticated = true;
  if (!route && !answer->server) {
    directory::Query query = query_for(login.user, client, context);
    route = co_await directory.find_route(std::move(query), nullptr);
  }
  if (!route) {
    route.emplace(std::vector<HostPort>(), login.user, directory.canonical_name(login.user));
  }
  if (answer->server) route->hosts = {std::move(*answer->server)};
  if (!answer->user.empty()) route->replay_name = std::move(answer->user);
  if (answer->password) login.password = std::move(*answer->password);
  co_return std::move(*route);
}

// Whether the password is to be checked here before the store sees it.
bool checks_password(const Login& login, const directory::Route& route, const LoginRecord& record,
                     const SessionContext& context) {
  return login.proof == Proof::password && !record.pre_authenticated &&
         route.pre_auth.value_or(context.settings().pre_auth);
}

}  // namespace

// No coroutine: the usual login spends none on what is not asked.
Task<directory::Route> find_mailbox(Login& login, const Connection& client,
                                    const SessionContext& context, LoginRecord& record,
                                    Services& services) {
  if (context.in_loop) return refuse_loop();
  if (login.proof == Proof::certificate) return find_by_certificate(login, client, context);
  if (!login.actor.empty()) return find_for_actor(login, client, context);
  if (asks_server(login, context)) return find_by_server(login, client, context, record, services);
  if (context.debugs("ldap")) return find_in_detail(login, client, context);
  return context.directory().find_route(query_for(login.user, client, context), nullptr);
}

bool needs_permission(const Login& login, const directory::Route& route, const LoginRecord& record,
                      const SessionContext& context) {
  return route.standing != directory::Standing::active || !route.domain_filter.empty() ||
         !route.user_filter.empty() || checks_password(login, route, record, context) ||
         record.pre_authenticated;
}

Task<> check_permission(const Login& login, const directory::Route& route, const Connection& client,
                        LoginRecord& record, SessionContext& context, Services& services) {
  if (checks_password(login, route, record, context)) {
    const std::string& whose = login.actor.empty() ? login.user : login.actor;
    directory::Query query = query_for(whose, client, context);
    co_await context.directory().check_password(std::move(query),
                                                Secret::copy_of(login.password.reveal()), nullptr);
    record.pre_authenticated = true;
  }
  if (record.pre_authenticated) log_pre_authenticated(context, record, local_of(client, context));
  record.stage = Stage::permission;
  if (route.standing == directory::Standing::closed) {
    co_await fail(Errc::refused, route.standing_text);
  }
  if (route.standing == directory::Standing::suspended) {
    co_await fail(Errc::unavailable, route.standing_text);
  }
  if (!route.domain_filter.empty()) {
    co_await check_filter(route.domain_filter, "domain " + route.domain, client, context, services);
  }
  if (!route.user_filter.empty()) {
    co_await check_filter(route.user_filter, "user " + route.user, client, context, services);
  }
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

}  // namespace openmmp::proxy
