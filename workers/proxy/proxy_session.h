// A session of any protocol, from greeting to goodbye.
//
//   proxy_session    introduce, then relay
//   introduce        who is it (PROXY header, TLS), may it come in, then log in
//   log_in           until the client is in, gives up, or has tried too often
//   open_mailbox     one attempt: which mailbox, may it be had, connect to its store, log in there
#pragma once

#include <string>
#include <utility>

#include "workers/proxy/arrival.h"
#include "workers/proxy/authenticator.h"
#include "workers/proxy/dialect.h"
#include "workers/proxy/login_policy.h"
#include "workers/proxy/mailbox.h"
#include "workers/proxy/remembered_login.h"
#include "workers/proxy/services.h"
#include "workers/proxy/session_context.h"
#include "workers/proxy/session_log.h"
#include "workers/proxy/store_access.h"
#include "workers/proxy/store_outcome.h"

namespace openmmp::proxy {

// For the last line to a client that may not be reading.
constexpr Millis farewell_time = Seconds(5);

template <Dialect D>
Task<Connection> open_mailbox(D& dialect, Login& login, const Connection& client,
                              LoginRecord& record, SessionContext& context, Seats& seats,
                              Services& services) {
  record.begin(login.user);
  if (services.policy.enabled()) co_await ask_policy(login, client, context, services);
  record.stage = Stage::directory;
  directory::Route route = co_await find_mailbox(login, client, context, record, services);
  record.user = route.user;
  if (needs_permission(login, route, record, context)) {
    co_await check_permission(login, route, client, record, context, services);
  }
  StoreCredentials credentials = co_await credentials_for(login, route, context.settings());
  StoreConnection backend = co_await reach_store(route, client, context, record, services);
  record.stage = Stage::login;
  backend.connection.deadline(backend.store->login_timeout, "answer from the store");
  const StoreAccess access(*backend.store, backend.host, std::move(credentials));
  Result<> in = co_await attempt(dialect.log_in_to(backend.connection, access));
  note_store_outcome(services.shared, record.server, in, access.credentials_shown);
  co_await std::move(in);
  if (context.settings().max_user_sessions > 0) {
    record.stage = Stage::seat;
    co_await take_user_seat(route, context, seats, services);
  }
  co_return std::move(backend.connection);
}

template <Dialect D>
Task<Connection> log_in(Connection& client, D& dialect, LoginRecord& record,
                        SessionContext& context, Seats& seats, Services& services) {
  const int most = context.settings().max_login_attempts;
  while (record.attempt < most && !record.last) {
    Login login = co_await dialect.authenticate();
    Result<Connection> backend = co_await attempt(client.while_present(
        open_mailbox(dialect, login, client, record, context, seats, services)));
    // The client may have gone, or been told to leave, while the store answered.
    co_await client.present();
    if (backend) {
      services.shared.login_succeeded(context);
      if (context.settings().auth_service_ttl > 0) remember_login(login, record, context, services);
      if (services.policy.enabled()) report_login(login, client, context, services, true);
      co_await dialect.accept();
      co_return std::move(*backend);
    }
    ++services.counters.failures;
    log_failure(context, record, backend.error());
    const Refusal why = refusal_for(record.stage, backend.error());
    if (why == Refusal::credentials) {
      services.shared.login_failed(context);
      // What the policy itself refused it has been told already.
      const bool is_news = record.stage != Stage::policy;
      if (services.policy.enabled() && is_news) {
        report_login(login, client, context, services, false);
      }
    }
    co_await dialect.refuse(why);
  }
  co_return fail(Errc::limit, "too many failed logins");
}

// The client's half before the relay. The dialect, and with it all that login needed, is gone when
// this returns; `farewell` is what its protocol lets us say to a client in mid-session.
template <Dialect D>
Task<Connection> introduce(Connection& client, LoginRecord& record, SessionContext& context,
                           Seats& seats, typename D::Shared& shared, Services& services) {
  Result<> arrived;
  if (needs_arrival(context, services)) {
    arrived = co_await attempt(arrive(client, context, seats, services));
    if (!arrived && !is_for_client(arrived.error(), context)) co_return fail(arrived.error());
  }
  Authenticator authenticator(client, context, services);
  D dialect(client, context, authenticator, shared);
  client.deadline(context.settings().login_timeout, "login");
  Result<Connection> backend = fail(Errc::internal);
  if (arrived) {
    backend = co_await attempt(log_in(client, dialect, record, context, seats, services));
    if (backend) co_return std::move(*backend);
  } else {
    backend = fail(arrived.error());
  }
  client.allow_farewell(farewell_time);
  co_await attempt(dialect.farewell(backend.error()));
  const bool unheard = backend.error().code != Errc::closed || client.has_buffered_input();
  if (unheard) {
    co_await attempt(client.linger(farewell_time));
  } else {
    co_await attempt(client.sent());
  }
  co_return fail(backend.error());
}

template <Dialect D>
Task<> proxy_session(Connection client, SessionContext& context, typename D::Shared& shared,
                     Services& services) {
  LoginRecord record;
  Seats seats;
  context.talking = &client;
  Result<Connection> backend =
      co_await attempt(introduce<D>(client, record, context, seats, shared, services));
  context.talking = nullptr;
  if (!backend) {
    log_no_login(context, backend.error());
    co_return;
  }
  ++services.counters.logins;
  log_login(context, record, services.loop.now());
  Relay relay(services.loop, services.relay_pool, std::move(client), std::move(*backend),
              context.settings().timeout, D::relay_farewell);
  context.relaying = &relay;
  const RelayEnd end = co_await relay;
  context.relaying = nullptr;
  log_end(context, record, end, services.loop.now());
}

}  // namespace openmmp::proxy
