#include "config/option_syntax.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/access_filter.h"
#include "config/cfg_file.h"
#include "config/conn_limits.h"
#include "config/redis_url.h"
#include "config/ssl_ports.h"
#include "ipc/runtime/address.h"
#include "ipc/runtime/network.h"
#include "ipc/runtime/text.h"
#include "ipc/tls/server_context.h"

namespace openmmp::config {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A name or an OID, with options such as ";lang-en".
bool is_attribute(std::string_view text) {
  return !text.empty() && (is_letter(text.front()) || is_digit(text.front())) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == ';';
         });
}

Result<> check_attributes(std::string_view value) {
  for (const std::string& word : split_words(value)) {
    if (!is_attribute(word)) {
      return fail(Errc::protocol, fmt::format("'{}' is not the name of an attribute; accepted: "
                                              "names separated by blanks, as \"mailHost\"",
                                              word));
    }
  }
  return {};
}

Result<> check_attribute(std::string_view value) {
  if (is_attribute(value)) return {};
  return fail(Errc::protocol,
              fmt::format("'{}' is not the name of an attribute; accepted: one, as uid", value));
}

// Takes the scheme off `url`; false when it has none of the directory's.
bool take_scheme(std::string_view& url) {
  for (const std::string_view scheme : {"ldap://", "ldaps://"}) {
    if (starts_with_ignoring_case(url, scheme)) {
      url.remove_prefix(scheme.size());
      return true;
    }
  }
  return false;
}

Result<> check_ldap_url(std::string_view value) {
  constexpr std::string_view accepted =
      "accepted: \"ldap://HOST[:PORT] [HOST[:PORT]].../BASE\", ldaps://, several such URLs, or "
      "\"ldif:FILE[?BASE]\"";
  if (starts_with_ignoring_case(value, "ldif:")) {
    if (!ldif_file(value).empty()) return {};
    return fail(Errc::protocol, fmt::format("names no file behind ldif:; {}", accepted));
  }
  // Blanks separate hosts, then URLs; behind the first '/' they may also belong to the base DN.
  bool in_hosts = false;
  bool first = true;
  for (const std::string& word : split_words(value)) {
    std::string_view rest = word;
    const bool begins = take_scheme(rest);
    if (first && !begins) {
      return fail(Errc::protocol, fmt::format("'{}' is not a directory's URL; {}", word, accepted));
    }
    first = false;
    in_hosts = in_hosts || begins;
    if (!in_hosts) continue;
    const size_t slash = rest.find('/');
    const std::string_view host = rest.substr(0, slash);
    in_hosts = slash == std::string_view::npos;
    if (host.empty() && begins) continue;  // the default host
    if (const auto parsed = parse_host_port(host); !parsed) {
      return fail(Errc::protocol, fmt::format("{}; {}", parsed.error().detail, accepted));
    }
  }
  return {};
}

// Every '%' must begin one of the escapes of one letter in `letters` or, with `attributes`,
// %A[attribute] or %[attribute].
Result<> check_escapes(std::string_view value, std::string_view letters, bool attributes) {
  for (size_t at = value.find('%'); at != std::string_view::npos; at = value.find('%', at)) {
    const std::string_view escape = value.substr(at + 1);
    const size_t open = escape.substr(0, 1) == "A" ? 1 : 0;
    if (!escape.empty() && (letters.find(escape[0]) != std::string_view::npos)) {
      at += 2;
      continue;
    }
    const size_t close = escape.find(']');
    if (attributes && escape.substr(open, 1) == "[" && close != std::string_view::npos &&
        is_attribute(escape.substr(open + 1, close - open - 1))) {
      at += close + 2;
      continue;
    }
    return fail(Errc::protocol,
                fmt::format("unknown escape '%{}'; accepted: %{}{}", escape.substr(0, 1),
                            fmt::join(letters, " %"), attributes ? " %A[attribute]" : ""));
  }
  return {};
}

// A client's name must not choose the attribute that is searched.
bool has_escapes_in_values_only(std::string_view filter) {
  bool in_value = false;
  for (const char c : filter) {
    if (c == '%' && !in_value) return false;
    in_value = c == '=' || (in_value && c != '(' && c != ')');
  }
  return true;
}

// Finds a missing parenthesis or a wrong or misplaced escape; the rest is the directory's to judge.
Result<> check_search_filter(std::string_view value) {
  int depth = 0;
  bool balanced = value.front() == '(';
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '(') ++depth;
    if (value[i] == ')') --depth;
    balanced = balanced && depth >= 0 && (depth > 0 || i + 1 == value.size());
  }
  if (!balanced || depth != 0) {
    return fail(Errc::protocol, fmt::format("'{}' is not a filter; accepted: one filter in "
                                            "balanced parentheses, as \"(uid=%s)\"",
                                            value));
  }
  if (!has_escapes_in_values_only(value)) {
    return fail(Errc::protocol,
                fmt::format("'{}' has '%' outside a value; accepted: escapes behind "
                            "'=', as \"(uid=%s)\"",
                            value));
  }
  return check_escapes(value, "soUVCSD%", false);
}

Result<> check_host_port(std::string_view value) {
  const auto parsed = parse_host_port(value);
  if (!parsed) {
    return fail(Errc::protocol,
                fmt::format("{}; accepted: host:port, as 127.0.0.1:56", parsed.error().detail));
  }
  if (parsed->port == 0) return fail(Errc::protocol, "the port is missing; accepted: host:port");
  return {};
}

Result<> check_host_ports(std::string_view value) {
  for (const std::string& word : split_words(value)) {
    const auto parsed = parse_host_port(word);
    if (parsed && !parsed->host.empty()) continue;
    return fail(Errc::protocol, fmt::format("{}; accepted: HOST[:PORT] or [IPv6]:PORT, separated "
                                            "by blanks, as \"manatee:485 gonzo\"",
                                            parsed ? "the host is empty" : parsed.error().detail));
  }
  return {};
}

Result<> check_redis_urls(std::string_view value) {
  for (const std::string& word : split_words(value)) {
    if (const auto url = parse_redis_url(word); !url) return fail(url.error());
  }
  return {};
}

Result<> check_http_url(std::string_view value) {
  constexpr std::string_view scheme = "http://";
  constexpr const char* accepted = "accepted: http://HOST[:PORT][/PATH]";
  if (!starts_with_ignoring_case(value, scheme)) {
    return fail(Errc::protocol, fmt::format("'{}' is no http URL; {}", value, accepted));
  }
  const std::string_view rest = value.substr(scheme.size());
  const auto host = parse_host_port(rest.substr(0, rest.find('/')));
  if (!host) return fail(Errc::protocol, fmt::format("{}; {}", host.error().detail, accepted));
  const bool odd =
      std::any_of(rest.begin(), rest.end(), [](char c) { return c <= ' ' || c >= 0x7f; });
  if (odd) return fail(Errc::protocol, fmt::format("has a character no URL has; {}", accepted));
  return {};
}

Result<> check_http_server(std::string_view value) {
  return starts_with_ignoring_case(value, "http://") ? check_http_url(value)
                                                     : check_host_port(value);
}

// A letter or digit as the separator would cut names in two.
Result<> check_characters(std::string_view value, size_t most) {
  const bool odd = std::any_of(value.begin(), value.end(), [](char c) {
    return c <= ' ' || c >= 0x7f || is_letter(c) || is_digit(c);
  });
  if (!odd && value.size() <= most) return {};
  return fail(Errc::protocol,
              fmt::format("'{}' cannot separate user and domain; accepted: {}, as @", value,
                          most == 1 ? "one character" : "characters"));
}

// A path with a blank could not be told from two.
Result<> check_paths(std::string_view value) {
  if (value.find('"') == std::string_view::npos) return {};
  return fail(Errc::protocol, "has a quote in it; accepted: paths separated by blanks");
}

Result<> check_forward_client(std::string_view value) {
  const std::vector<std::string> words = split_words(value);
  const auto has = [&](std::string_view word) {
    return std::any_of(words.begin(), words.end(),
                       [&](const std::string& w) { return equals_ignoring_case(w, word); });
  };
  if (words.size() > 1 && (has("auto") || has("none"))) {
    return fail(Errc::protocol, "has auto or none beside others; accepted: one of these alone");
  }
  if (has("proxy1") && has("proxy2")) {
    return fail(Errc::protocol, "has both proxy1 and proxy2; accepted: one of these");
  }
  return {};
}

std::string without_colons(std::string_view fingerprint) {
  std::string digits = lower_case(fingerprint);
  std::erase(digits, ':');
  return digits;
}

Result<> check_fingerprints(std::string_view value) {
  for (const std::string& word : words_of(Form::fingerprints, value)) {
    const bool hex = word.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (hex && word.size() == 64) continue;
    return fail(Errc::protocol,
                fmt::format("'{}' is no fingerprint; accepted: the 64 hex digits of "
                            "a SHA-256, with or without colons",
                            word));
  }
  return {};
}

Result<> check_addresses(std::string_view value) {
  for (const std::string& word : split_words(value)) {
    if (const auto address = SocketAddress::parse(word, 0); !address) {
      return fail(Errc::protocol, fmt::format("{}; accepted: IPv4 and IPv6 addresses, separated by "
                                              "blanks",
                                              address.error().detail));
    }
  }
  return {};
}

Result<> check_networks(std::string_view value) {
  const Result<Networks> networks = Networks::parse(value);
  if (networks) return {};
  return fail(Errc::protocol, fmt::format("{}; accepted: addresses and networks, as 192.0.2.0/24, "
                                          "separated by blanks",
                                          networks.error().detail));
}

// Only what shows that a DN was taken for two, or two for one: the rest is the directory's to
// judge.
Result<> check_distinguished_names(std::string_view value) {
  constexpr std::string_view accepted =
      "accepted: a DN, as cn=Admins,o=example, or several in double quotes each";
  for (const std::string& name : words_of(Form::distinguished_names, value)) {
    if (!is_attribute(std::string_view(name).substr(0, name.find('='))) ||
        name.find('=') == std::string::npos) {
      return fail(Errc::protocol, fmt::format("'{}' is no DN; {}", name, accepted));
    }
    std::string_view before;
    for (const std::string& word : split_words(name)) {
      const bool goes_on = before.empty() || before.back() == ',' || before.back() == '+';
      if (!goes_on && word.find('=') != std::string::npos) {
        return fail(Errc::protocol,
                    fmt::format("'{}' has no comma before '{}'; {}", name, word, accepted));
      }
      before = word;
    }
  }
  return {};
}

Result<> check_ssl_ports(std::string_view value) {
  const auto ports = parse_ssl_ports(value);
  return ports ? Result<>() : fail(ports.error());
}

// What a file has is looked at when the file is found.
Result<> check_conn_limits(std::string_view value) {
  if (names_file_of_conn_limits(value)) return {};
  const Result<ConnLimits> limits = ConnLimits::parse(value);
  return limits ? Result<>() : fail(limits.error());
}

Result<> check_access_filter(std::string_view value) {
  const Result<AccessFilter> filter = AccessFilter::parse(value);
  if (!filter) return fail(filter.error());
  if (!filter->needs_ident()) return {};
  return fail(Errc::protocol,
              "asks who a client's user is, which needs ident; accepted: clients without user@");
}

// Forms that are not here take any text, or are checked with what else the table knows of them.
constexpr std::pair<Form, Result<> (*)(std::string_view)> checks[] = {
    {Form::ldap_url, check_ldap_url},
    {Form::attribute, check_attribute},
    {Form::attributes, check_attributes},
    {Form::search_filter, check_search_filter},
    {Form::replay_format,
     [](std::string_view value) { return check_escapes(value, "soUV%", true); }},
    {Form::character, [](std::string_view value) { return check_characters(value, 1); }},
    {Form::characters,
     [](std::string_view value) { return check_characters(value, value.size()); }},
    {Form::host_port, check_host_port},
    {Form::host_ports, check_host_ports},
    {Form::redis_urls, check_redis_urls},
    {Form::http_url, check_http_url},
    {Form::http_server, check_http_server},
    {Form::conn_limits, check_conn_limits},
    {Form::access_filter, check_access_filter},
    {Form::paths, check_paths},
    {Form::ssl_ports, check_ssl_ports},
    {Form::ciphers, tls::check_ciphers},
    {Form::forward_client, check_forward_client},
    {Form::fingerprints, check_fingerprints},
    {Form::addresses, check_addresses},
    {Form::networks, check_networks},
    {Form::distinguished_names, check_distinguished_names},
};

}  // namespace

std::vector<std::string> words_of(Form form, std::string_view value) {
  if (form == Form::distinguished_names) {
    std::vector<std::string> names = split_quoted_words(value);
    if (names.empty() && !value.empty()) names.emplace_back(value);
    return names;
  }
  std::string text(value);
  if (form == Form::networks) std::replace(text.begin(), text.end(), ',', ' ');
  std::vector<std::string> words = split_words(text);
  for (std::string& word : words) {
    if (form == Form::fingerprints) word = without_colons(word);
    if (form == Form::addresses) {
      if (const auto address = SocketAddress::parse(word, 0)) word = address->ip();
    }
  }
  return words;
}

std::string_view ldif_file(std::string_view ldap_url) {
  constexpr std::string_view scheme = "ldif:";
  if (!starts_with_ignoring_case(ldap_url, scheme)) return {};
  ldap_url.remove_prefix(scheme.size());
  return ldap_url.substr(0, ldap_url.find('?'));
}

Result<> check_form(Form form, std::string_view value) {
  for (const auto& [checked, check] : checks) {
    if (checked == form) return check(value);
  }
  return {};
}

}  // namespace openmmp::config
