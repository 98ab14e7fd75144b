// The part of StateServer that operators see, and what survives it.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "ipc/runtime/text.h"
#include "workers/proxy/state_messages.h"
#include "workers/state/state_reply.h"
#include "workers/state/state_server.h"

namespace openmmp::state {

namespace {

constexpr uint32_t snapshot_version = 1;
// Past this it is better to try the stores than to believe what they were.
constexpr Millis health_lasts = std::chrono::hours(1);

bool is_decision(const proxy::StoreEvent& event) {
  return event.kind == proxy::StoreEvent::Kind::disabled ||
         event.kind == proxy::StoreEvent::Kind::enabled;
}

}  // namespace

proto::StateReply StateServer::answer(const proto::StateRequest& request) {
  proto::StateReply reply;
  reply.set_id(request.id());
  reply.set_ok(true);
  switch (request.request_case()) {
    case proto::StateRequest::kBadGuys:
      answer(request.bad_guys(), reply);
      break;
    case proto::StateRequest::kStores:
      answer(request.stores(), reply);
      break;
    case proto::StateRequest::kRelays:
      answer(request.relays(), reply);
      break;
    case proto::StateRequest::kAuth:
      answer(request.auth(), reply);
      break;
    case proto::StateRequest::REQUEST_NOT_SET:
      refuse(reply, "this mmp-state does not know the request: it is older than mmpctl");
      break;
  }
  return reply;
}

void StateServer::answer(const proto::StateRequest::BadGuys& request, proto::StateReply& reply) {
  const Millis now = loop_.now();
  if (request.forgive().empty()) {
    for (const proxy::BadGuy& entry : bad_guys_->all(now)) {
      proto::BadGuyRow& row = *reply.add_bad_guys();
      row.set_address(entry.address.ip());
      row.set_badness(static_cast<uint32_t>(entry.badness.count()));
      row.set_age_seconds(seconds(now - entry.since));
    }
    return;
  }
  const Result<SocketAddress> address = SocketAddress::parse(request.forgive(), 0);
  if (!address) return refuse(reply, address.error().detail);
  const std::optional<proxy::BadGuy> forgiven = bad_guys_->succeeded(*address, now);
  if (!forgiven) return refuse(reply, fmt::format("{} is no bad guy", address->ip()));
  spread(*forgiven, nullptr);
  share(*forgiven);
  tell_soon(Millis(0));
  log_.write(LogLevel::notice, 0, "badguy {} is forgiven by the operator", address->ip());
  reply.set_message(fmt::format("{} is forgiven", address->ip()));
}

void StateServer::answer(const proto::StateRequest::Stores& request, proto::StateReply& reply) {
  if (!request.enable().empty()) return decide_store(request.enable(), true, reply);
  if (!request.disable().empty()) return decide_store(request.disable(), false, reply);
  for (const proxy::StoreHealth::Row& store : stores_->rows()) {
    proto::StoreRow& row = *reply.add_stores();
    row.set_store(store.store);
    row.set_up(store.up);
    row.set_enabled(store.enabled);
    row.set_failures(static_cast<uint32_t>(store.failures));
    row.set_reason(store.reason);
    row.set_since_seconds(seconds(loop_.now() - store.since));
  }
}

void StateServer::decide_store(const std::string& name, bool enabled, proto::StateReply& reply) {
  std::vector<std::string> known;
  for (proxy::StoreHealth::Row& row : stores_->rows()) known.push_back(std::move(row.store));
  const Result<std::vector<std::string>> meant = names_meant(name, "store", known);
  if (!meant) return refuse(reply, meant.error().detail);
  for (const std::string& store : *meant) {
    proxy::StoreEvent event;
    event.kind = enabled ? proxy::StoreEvent::Kind::enabled : proxy::StoreEvent::Kind::disabled;
    event.store = store;
    event.at = loop_.now();
    stores_->apply(event);
    spread(event, nullptr);
  }
  tell_soon(Millis(0));
  reply.set_message(fmt::format("{}: {}", fmt::join(*meant, ", "),
                                enabled ? "logins go there again" : "no logins go there any more"));
  log_.write(LogLevel::notice, 0, "stores, by the operator: {}", reply.message());
}

proto::Snapshot StateServer::snapshot(Millis wall) const {
  const Millis now = loop_.now();
  proto::Snapshot result;
  result.set_version(snapshot_version);
  result.set_written_at(wall.count());
  for (const proxy::BadGuy& entry : bad_guys_->entries()) {
    proto::BadGuy& to = *result.add_bad_guys();
    proxy::write_bad_guy(entry, to);
    to.set_since((wall - (now - entry.since)).count());
  }
  for (const proxy::StoreEvent& event : stores_->events()) {
    proto::StoreEvent& to = *result.add_stores();
    proxy::write_store_event(event, to);
    to.set_at((wall - (now - event.at)).count());
  }
  write_relays_and_logins(wall, result);
  return result;
}

void StateServer::restore(const proto::Snapshot& snapshot, Millis wall) {
  if (snapshot.version() != snapshot_version) {
    log_.write(LogLevel::warning, 0, "the snapshot is of version {}, not {}: it is not used",
               snapshot.version(), snapshot_version);
    return;
  }
  const Millis now = loop_.now();
  const auto then = [&](int64_t at) { return now - (wall - Millis(at)); };
  for (proto::BadGuy entry : snapshot.bad_guys()) {
    entry.set_since(then(entry.since()).count());
    const auto bad_guy = proxy::read_bad_guy(entry, now);
    if (bad_guy) bad_guys_->merge(*bad_guy, now);
  }
  const bool believable = wall - Millis(snapshot.written_at()) < health_lasts;
  for (proto::StoreEvent entry : snapshot.stores()) {
    // After a restart of the host `now` starts anew, and what was never is at 0.
    entry.set_at(std::max(then(entry.at()), Millis(1)).count());
    const auto event = proxy::read_store_event(entry, now);
    if (event && (believable || is_decision(*event))) stores_->apply(*event);
  }
  restore_relays_and_logins(snapshot, wall);
}

}  // namespace openmmp::state
