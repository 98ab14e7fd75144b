// The part of StateServer that SMTP goes by: relays, and who has logged in by POP.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "workers/proxy/state_messages.h"
#include "workers/state/state_link.h"
#include "workers/state/state_reply.h"
#include "workers/state/state_server.h"

namespace openmmp::state {

namespace {

// In one answer to mmpctl, which is then within the limit of a message.
constexpr size_t most_rows = 10'000;

bool is_decision(const proxy::RelayEvent& event) {
  return event.kind == proxy::RelayEvent::Kind::disabled ||
         event.kind == proxy::RelayEvent::Kind::enabled;
}

// A time that can be calculated with, whatever the file says.
bool is_sane(int64_t time) { return time >= 0 && time < int64_t{1} << 50; }

// Rounded up: what is 0 is over.
uint64_t seconds_left(Millis time) { return seconds(time + Millis(999)); }

}  // namespace

Result<> StateServer::hear_relays(Link& link, const proto::ToState& message) {
  for (const proto::RelayEvent& said : message.relay_events()) {
    const Result<proxy::RelayEvent> event = proxy::read_relay_event(said, loop_.now());
    if (!event) return fail(event.error());
    if (is_decision(*event)) {
      return fail(Errc::protocol, "it decides what is the operator's to decide");
    }
    if (!relays_.apply(*event)) continue;
    spread(*event, &link);
    share(*event);
  }
  for (const proto::RelayLoad& load : message.relay_loads()) {
    if (!proxy::is_store_name(load.relay())) {
      return fail(Errc::protocol, "a relay's name that is none");
    }
    if (load.sessions() == 0) {
      link.relay_sessions.erase(load.relay());
      continue;
    }
    link.relay_sessions[load.relay()] = load.sessions();
    if (link.relay_sessions.size() > proxy::RelayHealth::most_relays) {
      return fail(Errc::protocol, "more relays than there may be");
    }
  }
  return {};
}

Result<> StateServer::hear_logins(Link& link, const proto::ToState& message) {
  const Millis now = loop_.now();
  for (const proto::PopLogin& said : message.pop_logins()) {
    const Result<proxy::PopLogin> login = proxy::read_pop_login(said, now);
    if (!login) return fail(login.error());
    if (!logins_.record(*login, now)) continue;
    changed_ = true;
    share(*login);
  }
  for (const proto::PopQuestion& question : message.pop_questions()) {
    proto::PopAnswer& answer = *link.page().add_pop_answers();
    answer.set_id(question.id());
    const std::optional<proxy::PopLogin> login = logins_.find(question.address(), now);
    if (login) proxy::write_pop_login(*login, *answer.mutable_login());
  }
  return {};
}

void StateServer::spread(const proxy::RelayEvent& event, const Link* except) {
  changed_ = true;
  for (Link& link : links_) {
    if (&link != except && link.greeted) {
      proxy::write_relay_event(event, *link.page().add_relay_events());
    }
  }
}

void StateServer::answer(const proto::StateRequest::Relays& request, proto::StateReply& reply) {
  if (!request.enable().empty() || !request.disable().empty()) return decide_relay(request, reply);
  for (auto& [relay, row] : relay_rows(request)) *reply.add_relays() = std::move(row);
}

// What anything is known of, what has sessions, and what somebody has configured.
std::map<std::string, proto::RelayRow> StateServer::relay_rows(
    const proto::StateRequest::Relays& request) const {
  const Millis now = loop_.now();
  std::map<std::string, proto::RelayRow> rows;
  const auto row_of = [&](const std::string& relay) -> proto::RelayRow& {
    const auto [row, is_new] = rows.try_emplace(relay);
    if (is_new) row->second.set_enabled(true);
    row->second.set_relay(relay);
    return row->second;
  };
  for (const std::string& relay : request.configured()) row_of(relay);
  for (const proxy::RelayHealth::Row& known : relays_.rows()) {
    proto::RelayRow& row = row_of(known.relay);
    row.set_enabled(known.enabled);
    row.set_avoided_seconds(seconds_left(known.avoided_until - now));
    row.set_reason(known.reason);
    if (known.failed_at != Millis(0)) row.set_failed_seconds(seconds(now - known.failed_at));
  }
  for (const Link& link : links_) {
    if (link.gone) continue;
    for (const auto& [relay, sessions] : link.relay_sessions) {
      proto::RelayRow& row = row_of(relay);
      row.set_sessions(row.sessions() + sessions);
    }
  }
  return rows;
}

void StateServer::decide_relay(const proto::StateRequest::Relays& request,
                               proto::StateReply& reply) {
  const bool enabled = !request.enable().empty();
  std::vector<std::string> known;
  for (const auto& [relay, row] : relay_rows(request)) known.push_back(relay);
  const auto meant = names_meant(enabled ? request.enable() : request.disable(), "relay", known);
  if (!meant) return refuse(reply, meant.error().detail);
  for (const std::string& relay : *meant) {
    proxy::RelayEvent event;
    event.kind = enabled ? proxy::RelayEvent::Kind::enabled : proxy::RelayEvent::Kind::disabled;
    event.relay = relay;
    event.at = loop_.now();
    relays_.apply(event);
    spread(event, nullptr);
  }
  tell_soon(Millis(0));
  reply.set_message(
      fmt::format("{}: {}", fmt::join(*meant, ", "),
                  enabled ? "sessions go there again" : "no sessions go there any more"));
  log_.write(LogLevel::notice, 0, "relays, by the operator: {}", reply.message());
}

void StateServer::answer(const proto::StateRequest::Auth& request, proto::StateReply& reply) {
  const Millis now = loop_.now();
  std::vector<proxy::PopLogin> logins;
  if (request.address().empty()) {
    logins = logins_.list(now);
    std::reverse(logins.begin(), logins.end());
  } else {
    const Result<SocketAddress> address = SocketAddress::parse(request.address(), 0);
    if (!address) return refuse(reply, address.error().detail);
    std::optional<proxy::PopLogin> login = logins_.find(address->ip(), now);
    if (!login) return refuse(reply, fmt::format("no login from {} counts", address->ip()));
    logins.push_back(std::move(*login));
  }
  if (logins.size() > most_rows) {
    reply.set_message(fmt::format("{} of {}: ask for an address", most_rows, logins.size()));
    logins.resize(most_rows);
  }
  for (const proxy::PopLogin& login : logins) {
    proto::AuthRow& row = *reply.add_auth();
    row.set_address(login.address);
    row.set_user(login.user);
    row.set_age_seconds(seconds(now - login.at));
    row.set_left_seconds(seconds_left(login.expires - now));
  }
}

void StateServer::write_relays_and_logins(Millis wall, proto::Snapshot& snapshot) const {
  const Millis since = wall - loop_.now();
  for (proxy::RelayEvent& event : relays_.events()) {
    event.at += since;
    proxy::write_relay_event(event, *snapshot.add_relays());
  }
  for (proxy::PopLogin& login : logins_.list(loop_.now())) {
    login.at += since;
    login.expires += since;
    proxy::write_pop_login(login, *snapshot.add_pop_logins());
  }
}

// Both end when they would have ended; a clock that was set back does not make them last longer
// than they ever were to.
void StateServer::restore_relays_and_logins(const proto::Snapshot& snapshot, Millis wall) {
  const Millis now = loop_.now();
  const auto then = [&](int64_t at) { return std::min(now - (wall - Millis(at)), now); };
  for (proto::RelayEvent entry : snapshot.relays()) {
    if (!is_sane(entry.at()) || !is_sane(entry.avoid_for())) continue;
    // After a restart of the host `now` starts anew, and what was never is at 0.
    const Millis at = then(entry.at());
    const Millis shown = std::max(at, Millis(1));
    entry.set_at(shown.count());
    entry.set_avoid_for(std::max(Millis(entry.avoid_for()) - (shown - at), Millis(0)).count());
    const auto event = proxy::read_relay_event(entry, now);
    if (event) relays_.apply(*event);
  }
  for (proto::PopLogin entry : snapshot.pop_logins()) {
    if (!is_sane(entry.at()) || !is_sane(entry.expires())) continue;
    const Millis lasts = Millis(entry.expires()) - Millis(entry.at());
    const Millis at = then(entry.at());
    entry.set_at(at.count());
    entry.set_expires((at + lasts).count());
    Result<proxy::PopLogin> login = proxy::read_pop_login(entry, now);
    if (login) logins_.record(std::move(*login), now);
  }
}

}  // namespace openmmp::state
