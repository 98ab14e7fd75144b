#include "config/conn_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/address_file.h"
#include "ipc/runtime/text.h"

namespace openmmp::config {
namespace {

constexpr int max_limit = 1000000;
// Each new connection goes through the entries from the first on.
constexpr size_t max_entries = 1000;
// Of an entry that is repeated in an error.
constexpr size_t max_shown = 100;

Failure no_entry(std::string_view text, std::string_view why) {
  return fail(Errc::protocol,
              fmt::format("'{}' {}; accepted: IP|MASK:NUMBER or NETWORK/BITS:NUMBER, as "
                          "10.0.0.0|255.0.0.0:100 or 2001:db8::/32:100",
                          one_line(text.substr(0, max_shown)), why));
}

std::optional<int> parse_limit(std::string_view text) {
  int limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && limit >= 0 && limit <= max_limit ? std::optional(limit) : std::nullopt;
}

// Nothing behind an IPv6 address tells its last group from a number.
bool is_bare_ipv6(std::string_view network) {
  return network.find(':') != std::string_view::npos &&
         network.find_first_of("/|[") == std::string_view::npos;
}

}  // namespace

Result<ConnLimits::Entry> ConnLimits::parse_entry(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return no_entry(text, "has no ':' before a number");
  const std::optional<int> limit = parse_limit(text.substr(colon + 1));
  if (!limit) return no_entry(text, fmt::format("has no number of 0 to {} behind ':'", max_limit));
  std::string network(text.substr(0, colon));
  if (network.empty()) return Entry{std::nullopt, *limit};
  if (is_bare_ipv6(network)) {
    return no_entry(text, "has an IPv6 address without /BITS or brackets");
  }
  if (const size_t close = network.find(']'); network[0] == '[' && close != std::string::npos) {
    network = network.substr(1, close - 1) + network.substr(close + 1);
  }
  const Result<Network> parsed = Network::parse(network);
  if (!parsed) return no_entry(text, "does not begin with a network");
  if (parsed->to_string() == "0.0.0.0/0") return Entry{std::nullopt, *limit};
  return Entry{*parsed, *limit};
}

Result<ConnLimits> ConnLimits::parse(std::string_view text) {
  ConnLimits limits;
  for (std::string_view line : lines_without_comments(text)) {
    while (!line.empty()) {
      const size_t comma = std::min(line.find(','), line.size());
      const std::string_view word = without_comment(line.substr(0, comma));
      line.remove_prefix(std::min(comma + 1, line.size()));
      if (word.empty()) continue;
      if (limits.entries_.size() == max_entries) {
        return fail(Errc::protocol, fmt::format("more than {} entries", max_entries));
      }
      Result<Entry> entry = parse_entry(word);
      if (!entry) return fail(std::move(entry.error()));
      limits.entries_.push_back(*entry);
    }
  }
  return limits;
}

std::optional<int> ConnLimits::limit_of(const SocketAddress& client) const {
  const auto first = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return !entry.network || entry.network->contains(client);
  });
  return first == entries_.end() ? std::nullopt : std::optional(first->limit);
}

bool names_file_of_conn_limits(std::string_view value) {
  return !value.empty() && (value.find(':') == std::string_view::npos || value.front() == '/' ||
                            value.starts_with("./") || value.starts_with("../"));
}

}  // namespace openmmp::config
