#include "config/store_groups.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/override_groups.h"
#include "ipc/runtime/network.h"
#include "ipc/runtime/text.h"

namespace openmmp::config {
namespace {

constexpr size_t max_hosts = 1000;
constexpr std::string_view accepted =
    "accepted: HOST[:PORT], as mail.example.com, *.example.com:143, 192.0.2.1, or a network, as "
    "192.0.2.0/24";

bool is_name(std::string_view host) {
  const bool odd = std::any_of(host.begin(), host.end(), [](char c) {
    const char l = lower(c);
    return !(l >= 'a' && l <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.';
  });
  return !host.empty() && !odd && host.size() <= 255;
}

bool is_pattern(std::string_view host) {
  return host == "*" || (host.starts_with("*.") && is_name(host.substr(2)));
}

// In one spelling, which find_store_group() compares.
Result<std::string> store_host(std::string_view word) {
  if (word.find('/') != std::string_view::npos) {
    const Result<Network> network = Network::parse(word);
    if (network) return network->to_string();
    return fail(Errc::protocol, fmt::format("{}; {}", network.error().detail, accepted));
  }
  Result<HostPort> host = parse_host_port(word);
  if (!host) return fail(Errc::protocol, fmt::format("{}; {}", host.error().detail, accepted));
  if (const auto address = SocketAddress::parse(host->host, 0)) {
    host->host = address->ip();
  } else if (is_name(host->host) || is_pattern(host->host)) {
    host->host = lower_case(host->host);
  } else {
    return fail(Errc::protocol, fmt::format("'{}' is no store; {}", word, accepted));
  }
  return host->port == 0 ? host->host : host->to_string();
}

constexpr GroupSyntax syntax{
    "store",   "store NAME HOST[:PORT]...", "group of stores", max_hosts, false, in_store_file,
    store_host};

bool matches(const std::string& pattern, const HostPort& store) {
  if (pattern.find('/') != std::string::npos) {
    const auto address = SocketAddress::parse(store.host, 0);
    const auto network = Network::parse(pattern);
    return address && network && network->contains(*address);
  }
  const auto wanted = parse_host_port(pattern);
  if (!wanted || (wanted->port != 0 && wanted->port != store.port)) return false;
  if (wanted->host == "*" || wanted->host == store.host) return true;
  const std::string_view tail = std::string_view(wanted->host).substr(1);
  return wanted->host.starts_with("*.") && store.host.size() > tail.size() &&
         store.host.ends_with(tail);
}

}  // namespace

std::vector<StoreGroup> parse_store_file(std::string_view text, const std::string& file,
                                         Diagnostics& out) {
  std::vector<StoreGroup> groups;
  for (OverrideGroup& group : parse_override_groups(syntax, text, file, out)) {
    groups.push_back({std::move(group.name), std::move(group.members), std::move(group.overrides)});
  }
  return groups;
}

const StoreGroup* find_store_group(const std::vector<StoreGroup>& groups, const HostPort& store) {
  HostPort canonical(lower_case(store.host), store.port);
  if (const auto address = SocketAddress::parse(store.host, 0)) canonical.host = address->ip();
  for (const StoreGroup& group : groups) {
    for (const std::string& host : group.hosts) {
      if (matches(host, canonical)) return &group;
    }
  }
  return nullptr;
}

}  // namespace openmmp::config
