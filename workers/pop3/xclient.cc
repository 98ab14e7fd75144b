#include "workers/pop3/xclient.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "ipc/runtime/text.h"

namespace openmmp::pop3 {
namespace {

constexpr std::string_view command = "XCLIENT";

// Cuts the first word and the blanks behind it off `text`.
std::string_view take_word(std::string_view& text) {
  const size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(text.find_first_not_of(' ', end), text.size()));
  return word;
}

// What stands behind "XCLIENT " or nothing; empty for the word alone.
std::optional<std::string_view> behind_command(std::string_view line) {
  if (!equals_ignoring_case(take_word(line), command)) return std::nullopt;
  return line;
}

struct Attribute {
  std::string_view name;
  bool XclientOffer::*offered;
};

constexpr Attribute attributes[] = {
    {"ADDR", &XclientOffer::addr},         {"PORT", &XclientOffer::port},
    {"SESSION", &XclientOffer::session},   {"TTL", &XclientOffer::ttl},
    {"DESTADDR", &XclientOffer::destaddr}, {"DESTPORT", &XclientOffer::destport},
};

XclientOffer parse_names(std::string_view names) {
  XclientOffer offer{false, false, false, false, false, false};
  while (!names.empty()) {
    const std::string_view name = take_word(names);
    for (const Attribute& attribute : attributes) {
      if (equals_ignoring_case(name, attribute.name)) offer.*attribute.offered = true;
    }
  }
  return offer;
}

Failure malformed(std::string_view name) {
  return fail(Errc::protocol, fmt::format("The {} of XCLIENT is malformed.", name));
}

// What has been read of a line. A port may come before its address.
class Reader {
 public:
  Result<> read(std::string_view name, std::string_view value) {
    if (equals_ignoring_case(name, "ADDR")) return read_address("ADDR", value, facts_.client);
    if (equals_ignoring_case(name, "DESTADDR"))
      return read_address("DESTADDR", value, facts_.local);
    if (equals_ignoring_case(name, "PORT")) return read_number("PORT", value, port_);
    if (equals_ignoring_case(name, "DESTPORT")) return read_number("DESTPORT", value, local_port_);
    if (equals_ignoring_case(name, "TTL")) return read_ttl(value);
    if (equals_ignoring_case(name, "SESSION")) return read_session(value);
    return {};
  }

  proxy::ForwardedClient take() {
    if (facts_.client) facts_.client->set_port(port_);
    if (facts_.local) facts_.local->set_port(local_port_);
    return std::move(facts_);
  }

 private:
  static Result<> read_address(std::string_view name, std::string_view value,
                               std::optional<SocketAddress>& out) {
    const Result<SocketAddress> address = SocketAddress::parse(value, 0);
    if (!address) return malformed(name);
    out = *address;
    return {};
  }

  static Result<> read_number(std::string_view name, std::string_view value, uint16_t& out) {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
    if (error != std::errc() || end != value.data() + value.size()) return malformed(name);
    return {};
  }

  Result<> read_ttl(std::string_view value) {
    uint16_t ttl = 0;
    if (Result<> read = read_number("TTL", value, ttl); !read) return read;
    facts_.ttl = ttl;
    return {};
  }

  Result<> read_session(std::string_view value) {
    if (!proxy::is_session_id(value)) return malformed("SESSION");
    facts_.session_id = value;
    return {};
  }

  proxy::ForwardedClient facts_;
  uint16_t port_ = 0;
  uint16_t local_port_ = 0;
};

}  // namespace

std::optional<XclientOffer> offered_xclient(std::string_view line) {
  std::string_view rest = line;
  if (equals_ignoring_case(take_word(rest), "+OK")) {
    if (!equals_ignoring_case(take_word(rest), "[XCLIENT]")) return std::nullopt;
    return XclientOffer();
  }
  const auto names = behind_command(line);
  if (!names) return std::nullopt;
  return names->empty() ? XclientOffer() : parse_names(*names);
}

std::string xclient_line(const proxy::ForwardedClient& facts, const XclientOffer& offer) {
  std::string text;
  const auto add = [&text](bool is_offered, std::string_view name, const auto& value) {
    if (is_offered) text += fmt::format(" {}={}", name, value);
  };
  if (facts.client) {
    add(offer.addr, "ADDR", facts.client->ip());
    add(offer.port, "PORT", facts.client->port());
  }
  if (proxy::is_session_id(facts.session_id)) add(offer.session, "SESSION", facts.session_id);
  if (facts.ttl) add(offer.ttl, "TTL", *facts.ttl);
  if (facts.local) {
    add(offer.destaddr, "DESTADDR", facts.local->ip());
    add(offer.destport, "DESTPORT", facts.local->port());
  }
  return text.empty() ? text : std::string(command) + text;
}

Result<proxy::ForwardedClient> parse_xclient(std::string_view line) {
  std::optional<std::string_view> rest = behind_command(line);
  if (!rest || rest->empty()) return fail(Errc::protocol, "XCLIENT takes name=value.");
  Reader reader;
  while (!rest->empty()) {
    const std::string_view word = take_word(*rest);
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return fail(Errc::protocol, "XCLIENT takes name=value.");
    }
    const Result<> read = reader.read(word.substr(0, equals), word.substr(equals + 1));
    if (!read) return fail(read.error());
  }
  return reader.take();
}

}  // namespace openmmp::pop3
