#include "config/redis_url.h"

#include <fmt/format.h>

#include <algorithm>

#include "ipc/runtime/text.h"

namespace openmmp::config {

namespace {

constexpr std::string_view accepted =
    "accepted: redis://[USER@]HOST[:PORT][/DB], or rediss:// with TLS";
constexpr uint16_t default_port = 6379;
constexpr size_t most_digits = 5;  // of a database
constexpr size_t max_url = 512;

Failure no_url(std::string_view text) {
  return fail(Errc::protocol,
              fmt::format("'{}' is no redis URL; {}", one_line(text.substr(0, max_url)), accepted));
}

Result<int> parse_database(std::string_view digits) {
  int number = 0;
  if (digits.size() > most_digits) return fail(Errc::protocol);
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return fail(Errc::protocol);
    number = number * 10 + (digit - '0');
  }
  return number;
}

// HOST[:PORT][/DB]
Result<RedisUrl> read_place(std::string_view place, RedisUrl url, std::string_view text) {
  const size_t slash = std::min(place.find('/'), place.size());
  const auto host = parse_host_port(place.substr(0, slash));
  if (!host) return fail(Errc::protocol, fmt::format("{}; {}", host.error().detail, accepted));
  const auto database = parse_database(place.substr(std::min(slash + 1, place.size())));
  if (!database || host->host.empty()) return no_url(text);
  url.host = *host;
  if (url.host.port == 0) url.host.port = default_port;
  url.database = *database;
  return url;
}

}  // namespace

std::string RedisUrl::to_string() const {
  const std::string path = database == 0 ? "" : fmt::format("/{}", database);
  return fmt::format("redis{}://{}{}", tls ? "s" : "", host.to_string(), path);
}

Result<RedisUrl> parse_redis_url(std::string_view text) {
  const size_t colon = text.find("://");
  std::string_view rest = text.substr(colon == std::string_view::npos ? 0 : colon + 3);
  const std::string_view scheme = text.substr(0, text.size() - rest.size());
  const size_t at = rest.rfind('@');
  // First of all, because the other messages repeat the text.
  if (at != std::string_view::npos && rest.substr(0, at).find(':') != std::string_view::npos) {
    return fail(
        Errc::protocol,
        fmt::format("has a password in it, which belongs to SharedStatePassword; {}", accepted));
  }
  RedisUrl url;
  url.tls = equals_ignoring_case(scheme, "rediss://");
  const bool known = url.tls || equals_ignoring_case(scheme, "redis://");
  const bool plain = std::none_of(text.begin(), text.end(), is_control);
  if (!known || !plain || at == 0 || text.size() > max_url) return no_url(text);
  if (at != std::string_view::npos) {
    url.user = rest.substr(0, at);
    rest.remove_prefix(at + 1);
  }
  return read_place(rest, std::move(url), text);
}

}  // namespace openmmp::config
