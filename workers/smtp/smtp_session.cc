#include "workers/smtp/smtp_session.h"

#include <fmt/compile.h>

#include <utility>

#include "workers/proxy/arrival.h"
#include "workers/smtp/session.h"

namespace openmmp::smtp {

namespace {

// For the last line to a client that may not be reading.
constexpr Millis farewell_time = Seconds(5);

void log_end(const Session& session, const proxy::SessionContext& context, const Error& why,
             Millis time) {
  const Session::Totals& totals = session.totals();
  if (!session.authenticated() && totals.messages == 0) return log_no_login(context, why);
  const proxy::LoginRecord& record = session.record();
  context.log.write_compiled(
      LogLevel::notice, context.id,
      FMT_COMPILE("session of user {} ended - client {}, relay {}, {} messages, {} bytes, "
                  "{:.3f} s: {}"),
      session.user(), context.client_name, record.server, totals.messages, totals.octets,
      std::chrono::duration<double>(time).count(), why.detail);
}

// The whole session but for its last moments.
Task<> talk(Session& session, bool may_begin) {
  if (!may_begin) co_await fail(Errc::limit, "too many connections from your address");
  co_await session.run();
}

}  // namespace

Task<> smtp_session(proxy::Connection client, proxy::SessionContext& context, Shared& shared,
                    proxy::Services& services) {
  proxy::Seats seats;
  context.talking = &client;
  Result<> arrived;
  if (proxy::needs_arrival(context, services)) {
    arrived = co_await attempt(proxy::arrive(client, context, seats, services));
    if (!arrived && !proxy::is_for_client(arrived.error(), context)) {
      context.talking = nullptr;
      co_return log_no_login(context, arrived.error());
    }
  }
  const Millis since = services.loop.now();
  Session session(client, context, seats, shared, services);
  const Result<> over = co_await attempt(talk(session, arrived.has_value()));
  const Error why = over ? Error(Errc::internal, "no reason") : over.error();
  client.allow_farewell(farewell_time);
  const bool is_told = co_await attempt(session.farewell(why)) && !client.has_ended();
  if (is_told && session.has_quit()) co_await attempt(client.sent());
  if (is_told && !session.has_quit()) co_await attempt(client.linger(farewell_time));
  context.talking = nullptr;
  log_end(session, context, why, services.loop.now() - since);
}

}  // namespace openmmp::smtp
