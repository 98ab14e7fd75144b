#include "workers/proxy/state_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "ipc/runtime/text.h"

namespace openmmp::proxy {

namespace {

constexpr uint32_t most_failures = 1'000'000;

std::optional<StoreEvent::Kind> kind_of(const proto::StoreEvent& event) {
  switch (event.kind()) {
    case proto::StoreEvent::FAILED:
      return StoreEvent::Kind::failed;
    case proto::StoreEvent::SUCCEEDED:
      return StoreEvent::Kind::succeeded;
    case proto::StoreEvent::DISABLED:
      return StoreEvent::Kind::disabled;
    case proto::StoreEvent::ENABLED:
      return StoreEvent::Kind::enabled;
    default:
      return std::nullopt;
  }
}

proto::StoreEvent::Kind kind_of(const StoreEvent& event) {
  switch (event.kind) {
    case StoreEvent::Kind::failed:
      return proto::StoreEvent::FAILED;
    case StoreEvent::Kind::succeeded:
      return proto::StoreEvent::SUCCEEDED;
    case StoreEvent::Kind::disabled:
      return proto::StoreEvent::DISABLED;
    case StoreEvent::Kind::enabled:
      return proto::StoreEvent::ENABLED;
  }
  return proto::StoreEvent::FAILED;
}

std::optional<RelayEvent::Kind> kind_of(const proto::RelayEvent& event) {
  switch (event.kind()) {
    case proto::RelayEvent::FAILED:
      return RelayEvent::Kind::failed;
    case proto::RelayEvent::SUCCEEDED:
      return RelayEvent::Kind::succeeded;
    case proto::RelayEvent::DISABLED:
      return RelayEvent::Kind::disabled;
    case proto::RelayEvent::ENABLED:
      return RelayEvent::Kind::enabled;
    default:
      return std::nullopt;
  }
}

proto::RelayEvent::Kind kind_of(const RelayEvent& event) {
  switch (event.kind) {
    case RelayEvent::Kind::failed:
      return proto::RelayEvent::FAILED;
    case RelayEvent::Kind::succeeded:
      return proto::RelayEvent::SUCCEEDED;
    case RelayEvent::Kind::disabled:
      return proto::RelayEvent::DISABLED;
    case RelayEvent::Kind::enabled:
      return proto::RelayEvent::ENABLED;
  }
  return proto::RelayEvent::FAILED;
}

bool has_control(const std::string& text) {
  return std::any_of(text.begin(), text.end(), is_control);
}

}  // namespace

void write_bad_guy(const BadGuy& from, proto::BadGuy& to) {
  to.set_address(from.address.ip());
  to.set_badness(static_cast<uint32_t>(from.badness.count()));
  to.set_since(from.since.count());
}

Result<BadGuy> read_bad_guy(const proto::BadGuy& from, Millis now) {
  const Result<SocketAddress> address = SocketAddress::parse(from.address(), 0);
  if (!address) return fail(address.error());
  if (from.badness() > max_badness.count()) {
    return fail(Errc::protocol, fmt::format("a badness of {} seconds", from.badness()));
  }
  BadGuy result;
  result.address = *address;
  result.badness = Seconds(from.badness());
  result.since = std::min(Millis(from.since()), now);
  return result;
}

void write_store_event(const StoreEvent& from, proto::StoreEvent& to) {
  to.set_kind(kind_of(from));
  to.set_store(from.store);
  to.set_reason(from.reason.substr(0, max_reason));
  to.set_at(from.at.count());
  if (from.kind == StoreEvent::Kind::failed) to.set_failures(static_cast<uint32_t>(from.failures));
  to.set_protocol(from.protocol);
}

Result<StoreEvent> read_store_event(const proto::StoreEvent& from, Millis now) {
  const std::optional<StoreEvent::Kind> kind = kind_of(from);
  if (!kind) return fail(Errc::protocol, "an event of a store that is none");
  if (!is_store_name(from.store())) return fail(Errc::protocol, "a store's name that is none");
  if (from.protocol().size() > max_protocol_name) {
    return fail(Errc::protocol, "a protocol's name that is none");
  }
  StoreEvent result;
  result.kind = *kind;
  result.store = from.store();
  result.protocol = from.protocol();
  result.reason = one_line(std::string_view(from.reason()).substr(0, max_reason));
  result.at = std::min(Millis(from.at()), now);
  result.failures = static_cast<int>(std::clamp(from.failures(), 1u, most_failures));
  return result;
}

bool is_store_name(const std::string& name) {
  return !name.empty() && name.size() <= max_store_name && !has_control(name);
}

void write_relay_event(const RelayEvent& from, proto::RelayEvent& to) {
  to.set_kind(kind_of(from));
  to.set_relay(from.relay);
  to.set_reason(from.reason.substr(0, max_reason));
  to.set_at(from.at.count());
  to.set_avoid_for(from.avoid_for.count());
}

Result<RelayEvent> read_relay_event(const proto::RelayEvent& from, Millis now) {
  const std::optional<RelayEvent::Kind> kind = kind_of(from);
  if (!kind) return fail(Errc::protocol, "an event of a relay that is none");
  if (!is_store_name(from.relay())) return fail(Errc::protocol, "a relay's name that is none");
  RelayEvent result;
  result.kind = *kind;
  result.relay = from.relay();
  result.at = std::min(Millis(from.at()), now);
  if (*kind != RelayEvent::Kind::failed) return result;
  result.reason = one_line(std::string_view(from.reason()).substr(0, max_reason));
  result.avoid_for = std::clamp(Millis(from.avoid_for()), Millis(0), longest_avoidance);
  return result;
}

bool is_login_user(const std::string& user) {
  return !user.empty() && user.size() <= max_login_user && !has_control(user);
}

void write_pop_login(const PopLogin& from, proto::PopLogin& to) {
  to.set_address(from.address);
  to.set_user(from.user);
  to.set_at(from.at.count());
  to.set_expires(from.expires.count());
}

Result<PopLogin> read_pop_login(const proto::PopLogin& from, Millis now) {
  const Result<SocketAddress> address = SocketAddress::parse(from.address(), 0);
  if (!address) return fail(address.error());
  if (!is_login_user(from.user())) return fail(Errc::protocol, "a user's name that is none");
  PopLogin result;
  result.address = address->ip();
  result.user = from.user();
  result.at = std::clamp(Millis(from.at()), now - longest_login, now);
  result.expires = std::min(Millis(from.expires()), now + longest_login);
  return result;
}

}  // namespace openmmp::proxy
