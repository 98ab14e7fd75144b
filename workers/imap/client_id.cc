#include "workers/imap/client_id.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "ipc/runtime/text.h"
#include "workers/imap/syntax.h"

namespace openmmp::imap {
namespace {

constexpr size_t max_pairs = 30;
constexpr size_t max_name = 30;
constexpr size_t max_value = 1024;
// RFC 9051 section 2.2.2 lets a server refuse lines of more than 8192 bytes.
constexpr size_t max_text = 8000;

constexpr std::string_view originating_ip = "x-originating-ip";
constexpr std::string_view originating_port = "x-originating-port";
constexpr std::string_view connected_ip = "x-connected-ip";
constexpr std::string_view connected_port = "x-connected-port";
constexpr std::string_view session_id = "x-session-id";
constexpr std::string_view session_external_id = "x-session-ext-id";
constexpr std::string_view proxy_ttl = "x-proxy-ttl";
constexpr std::string_view client_transport = "x-client-transport";

// All that Dovecot takes from a proxy, also what we do not send.
constexpr std::string_view reserved[] = {
    originating_ip,      originating_port, connected_ip,     connected_port,     session_id,
    session_external_id, proxy_ttl,        client_transport, "x-connected-name", "x-multiplex",
};
constexpr std::string_view reserved_prefix = "x-forward-";

bool is_reserved(std::string_view name) {
  return starts_with_ignoring_case(name, reserved_prefix) ||
         std::any_of(std::begin(reserved), std::end(reserved),
                     [&](std::string_view other) { return equals_ignoring_case(name, other); });
}

bool is_sendable(std::string_view value) {
  return value.size() <= max_value && std::all_of(value.begin(), value.end(), [](char c) {
           return c >= ' ' && static_cast<unsigned char>(c) < 0x7f;
         });
}

class List {
 public:
  void add(std::string_view name, const std::optional<std::string>& value) {
    const std::string text =
        quoted(name) + " " + (value && is_sendable(*value) ? quoted(*value) : "NIL");
    if (count_ == max_pairs || text_.size() + text.size() > max_text) return;
    text_ += (count_++ == 0 ? "" : " ") + text;
  }
  std::string take() const { return count_ == 0 ? "NIL" : "(" + text_ + ")"; }

 private:
  std::string text_;
  size_t count_ = 0;
};

Result<uint64_t> parse_number(std::string_view name, std::string_view text, uint64_t most) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > most) {
    return fail(Errc::protocol, fmt::format("{} is no number up to {}.", name, most));
  }
  return number;
}

// What the list says under a name; NIL is as good as nothing, and the first one counts.
std::optional<std::string_view> find(const IdList& list, std::string_view name) {
  for (const auto& [other, value] : list) {
    if (value && equals_ignoring_case(other, name)) return *value;
  }
  return std::nullopt;
}

Result<std::optional<SocketAddress>> read_address(const IdList& list, std::string_view ip_name,
                                                  std::string_view port_name) {
  uint64_t port = 0;
  if (const auto text = find(list, port_name)) {
    const Result<uint64_t> number = parse_number(port_name, *text, 65535);
    if (!number) return fail(number.error());
    port = *number;
  }
  const auto ip = find(list, ip_name);
  if (!ip) return std::nullopt;
  const Result<SocketAddress> address = SocketAddress::parse(*ip, static_cast<uint16_t>(port));
  if (!address) return fail(Errc::protocol, fmt::format("{} is no IP address.", ip_name));
  return *address;
}

Result<> read_session_id(const IdList& list, std::string& id) {
  const auto value = find(list, find(list, session_id) ? session_id : session_external_id);
  if (!value) return {};
  if (!proxy::is_session_id(*value)) {
    return fail(Errc::protocol, fmt::format("{} is too long or malformed.", session_id));
  }
  id = *value;
  return {};
}

Result<> read_ttl(const IdList& list, std::optional<unsigned>& ttl) {
  const auto text = find(list, proxy_ttl);
  if (!text) return {};
  const Result<uint64_t> number = parse_number(proxy_ttl, *text, 255);
  if (!number) return fail(number.error());
  ttl = static_cast<unsigned>(*number);
  return {};
}

}  // namespace

std::string forwarded_id(const IdList& own, const proxy::ForwardedClient& facts) {
  List list;
  if (proxy::is_session_id(facts.session_id)) list.add(session_id, facts.session_id);
  if (facts.client) {
    list.add(originating_ip, facts.client->ip());
    list.add(originating_port, std::to_string(facts.client->port()));
  }
  if (facts.local) {
    list.add(connected_ip, facts.local->ip());
    list.add(connected_port, std::to_string(facts.local->port()));
  }
  if (facts.ttl) list.add(proxy_ttl, std::to_string(*facts.ttl));
  if (facts.tls) list.add(client_transport, *facts.tls ? "TLS" : "insecure");
  for (const auto& [name, value] : own) {
    if (is_atom(name) && name.size() <= max_name && !is_reserved(name)) list.add(name, value);
  }
  return list.take();
}

Result<proxy::ForwardedClient> read_forwarded(const IdList& list) {
  proxy::ForwardedClient facts;
  const auto client = read_address(list, originating_ip, originating_port);
  if (!client) return fail(client.error());
  const auto local = read_address(list, connected_ip, connected_port);
  if (!local) return fail(local.error());
  if (Result<> id = read_session_id(list, facts.session_id); !id) return fail(id.error());
  if (Result<> ttl = read_ttl(list, facts.ttl); !ttl) return fail(ttl.error());
  facts.client = *client;
  facts.local = *local;
  if (const auto transport = find(list, client_transport)) facts.tls = *transport == "TLS";
  return facts;
}

}  // namespace openmmp::imap
