#include "workers/proxy/admission.h"

#include <fmt/ranges.h>
#include <sys/socket.h>

#include <optional>

#include "config/access_filter.h"
#include "workers/directory/text.h"

namespace openmmp::proxy {

namespace {

// A name that DNS does not give by then is none.
constexpr Millis lookup_time = Seconds(5);

Task<> find_name(SessionContext& context, Services& services) {
  if (context.name) co_return;
  context.name = std::make_unique<ClientName>(
      co_await services.client_lookup.look_up(context.client, lookup_time));
}

config::AccessQuery query_for(const Connection& client, const SessionContext& context,
                              const Services& services) {
  config::AccessQuery query;
  query.service = filter_service(services);
  query.tls = context.tls_at_connect || is_private(client, context);
  query.client = context.client;
  query.local = local_of(client, context);
  if (context.name) {
    query.name = context.name->name;
    query.name_is_false = context.name->is_false;
  }
  return query;
}

Task<> apply(const config::AccessFilter& filter, std::string what, const Connection& client,
             SessionContext& context, Services& services) {
  if (filter.needs_ident()) {
    co_await fail(Errc::unavailable,
                  fmt::format("the filter of {} asks for ident, which nobody answers", what));
  }
  if (filter.needs_name()) co_await find_name(context, services);
  if (filter.admits(query_for(client, context, services))) co_return;
  co_await fail(Errc::refused, fmt::format("the filter of {} does not admit the client", what));
}

// Whom a limit counts: an address, or of IPv6 the /64 that a customer has.
std::string key_of(const SocketAddress& client) {
  if (client.family() == AF_INET) return "address " + client.ip();
  const IpBytes bytes = client.ip_bytes();
  return fmt::format("network {:02x}", fmt::join(bytes.begin(), bytes.begin() + 8, ""));
}

// Errc::limit as often as ConnRejectThreshold allows, then Errc::refused: who goes on connecting is
// not worth a line each time.
Error over_limit(const SessionContext& context, Services& services) {
  const int most = context.settings().conn_reject_threshold;
  if (services.rejections.count(key_of(context.client), services.loop.now()) > most) {
    return Error(Errc::refused, "too many connections from this address, again");
  }
  context.log.write(LogLevel::error, context.id, "Connection limit reached for client IP {}",
                    context.client.ip());
  return Error(Errc::limit, "too many connections from your address");
}

Task<Seat> seat_for(std::string key, int limit, SessionContext& context, Services& services) {
  std::optional<Seat> seat = co_await services.shared.try_seat(key, limit, context);
  if (!seat) seat = co_await services.shared.take_seat(key, limit, context);
  co_return std::move(*seat);
}

}  // namespace

std::string filter_service(const Services& services) {
  const std::string name = services.protocol.name;
  return name == "pop3" ? "pop" : name;
}

bool needs_admission(const SessionContext& context, const Services& services) {
  return !services.domains.empty() || !services.conn_limits.empty() ||
         context.settings().client_lookup || !context.domain->tcp_access.empty();
}

Task<> admit(const Connection& client, SessionContext& context, Seats& seats, Services& services) {
  if (!services.domains.empty()) {
    context.domain = &services.domains.find(local_of(client, context));
  }
  if (const std::optional<int> limit = services.conn_limits.limit_of(context.client)) {
    std::string key = key_of(context.client);
    Result<Seat> seat = co_await attempt(seat_for(std::move(key), *limit, context, services));
    if (!seat && seat.error().code == Errc::limit) co_await fail(over_limit(context, services));
    if (!seat) co_await fail(std::move(seat.error()));
    seats.connection = std::move(*seat);
  }
  if (context.settings().client_lookup) co_await find_name(context, services);
  const config::AccessFilter& filter = context.domain->tcp_access;
  if (!filter.empty()) co_await apply(filter, "TCPAccess", client, context, services);
}

Task<> check_filter(std::string text, std::string what, const Connection& client,
                    SessionContext& context, Services& services) {
  const Result<config::AccessFilter> filter = config::AccessFilter::parse(text);
  if (!filter) {
    co_await fail(Errc::unavailable,
                  fmt::format("the filter of {}: {}", what, filter.error().detail));
  }
  co_await apply(*filter, what, client, context, services);
}

Task<> take_user_seat(const directory::Route& route, SessionContext& context, Seats& seats,
                      Services& services) {
  // The directory finds the same user by other spellings, and each would have a limit of its own;
  // and the same name is somebody else's in another virtual domain.
  std::string key = "user " + directory::fold(route.user);
  if (!context.domain->name.empty()) key += " of " + context.domain->name;
  const int limit = context.settings().max_user_sessions;
  seats.user = co_await seat_for(std::move(key), limit, context, services);
}

}  // namespace openmmp::proxy
