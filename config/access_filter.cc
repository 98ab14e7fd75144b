#include "config/access_filter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "ipc/runtime/text.h"

namespace openmmp::config {
namespace {

// A filter comes from a user's entry, too, and is read at each login.
constexpr size_t max_filter = 16384;
constexpr size_t max_rules = 256;
constexpr size_t max_patterns = 2000;
// Of a rule or pattern that is repeated in an error.
constexpr size_t max_shown = 100;

constexpr std::string_view known_services[] = {"imap", "imaps", "pop",  "pops",
                                               "smtp", "smtps", "http", "smime"};

Failure no_filter(std::string_view what, std::string_view text, std::string_view accepted) {
  return fail(Errc::protocol, fmt::format("'{}' is no {}; accepted: {}",
                                          one_line(text.substr(0, max_shown)), what, accepted));
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// The ':' that is not inside of an IPv6 address in brackets.
size_t find_colon(std::string_view rule) {
  bool in_brackets = false;
  for (size_t at = 0; at < rule.size(); ++at) {
    if (rule[at] == '[') in_brackets = true;
    if (rule[at] == ']') in_brackets = false;
    if (rule[at] == ':' && !in_brackets) return at;
  }
  return std::string_view::npos;
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "10.1." as 10.1.0.0/16.
std::string network_of_prefix(std::string_view text) {
  const auto fields = std::count(text.begin(), text.end(), '.');
  if (fields > 3 || text.find_first_not_of("0123456789.") != std::string_view::npos) return {};
  std::string address(text);
  for (auto field = fields; field < 3; ++field) address += "0.";
  return fmt::format("{}0/{}", address, fields * 8);
}

// As Network has it: a dotted mask behind '|', an IPv6 address without its brackets.
std::string network_text(std::string_view text) {
  if (text.empty()) return {};
  if (text.ends_with('.')) return network_of_prefix(text);
  std::string network(text);
  if (const size_t close = network.find(']'); network[0] == '[' && close != std::string::npos) {
    network = network.substr(1, close - 1) + network.substr(close + 1);
  }
  const size_t slash = network.find('/');
  if (slash != std::string::npos && network.find('.', slash) != std::string::npos) {
    network[slash] = '|';
  }
  return network;
}

}  // namespace

bool is_host_name(std::string_view text) {
  constexpr std::string_view letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  if (text.empty() || text.size() > 253 || text.find("..") != std::string_view::npos) return false;
  return text.find_first_not_of(letters) == std::string_view::npos && text.front() != '.' &&
         text.back() != '.' && !is_digits(text.substr(text.rfind('.') + 1));
}

// Reads one filter.
class FilterReader {
 public:
  Result<AccessFilter> read(std::string_view text) {
    if (text.size() > max_filter) {
      return fail(Errc::protocol,
                  fmt::format("a filter of {} characters; accepted: {}", text.size(), max_filter));
    }
    while (!text.empty()) {
      const size_t end = std::min(text.find('$'), text.size());
      const std::string_view rule = trim(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (rule.empty()) continue;
      if (Result<> good = read_rule(rule); !good) return fail(std::move(good.error()));
    }
    return std::move(filter_);
  }

 private:
  using Host = AccessFilter::Host;
  using Service = AccessFilter::Service;

  Result<> read_rule(std::string_view text) {
    const size_t colon = find_colon(text);
    if ((text.front() != '+' && text.front() != '-') || colon == std::string_view::npos) {
      return no_filter("rule", text,
                       "+SERVICES:CLIENTS or -SERVICES:CLIENTS, with $ between rules, as "
                       "+imap,pop:10.0.0.0/8 $ -ALL:ALL");
    }
    if (filter_.rules_.size() == max_rules) {
      return fail(Errc::protocol, fmt::format("more than {} rules in a filter", max_rules));
    }
    AccessFilter::Rule rule;
    rule.grants = text.front() == '+';
    const auto service = [this](std::string_view word) { return read_service(word); };
    const auto client = [this](std::string_view word) { return read_client(word); };
    Result<> good = read_list(text.substr(1, colon - 1), rule.services, service);
    if (good) good = read_list(text.substr(colon + 1), rule.clients, client);
    if (!good) return good;
    filter_.rules_.push_back(std::move(rule));
    return {};
  }

  template <class Item, class Read>
  Result<> read_list(std::string_view text, ExceptList<Item>& list, Read read) {
    constexpr std::string_view separators = ", \t\r\n";
    list.parts.emplace_back();
    for (size_t at = text.find_first_not_of(separators); at != std::string_view::npos;) {
      const size_t end = std::min(text.find_first_of(separators, at), text.size());
      const std::string_view word = text.substr(at, end - at);
      at = text.find_first_not_of(separators, end);
      if (equals_ignoring_case(word, "EXCEPT")) {
        if (list.parts.back().empty()) break;
        list.parts.emplace_back();
        continue;
      }
      if (++patterns_ > max_patterns) {
        return fail(Errc::protocol, fmt::format("more than {} names in a filter", max_patterns));
      }
      Result<Item> item = read(word);
      if (!item) return fail(std::move(item.error()));
      list.parts.back().push_back(std::move(*item));
    }
    if (!list.parts.back().empty()) return {};
    return no_filter("list", text, "one name or more, on both sides of ':' and of EXCEPT");
  }

  // "imap" or "imap@ADDRESS".
  Result<Service> read_service(std::string_view word) {
    const size_t at = std::min(word.find('@'), word.size());
    Service service;
    service.name = lower_case(word.substr(0, at));
    if (service.name == "all" || service.name == "*") {
      service.name.clear();
    } else if (std::find(std::begin(known_services), std::end(known_services), service.name) ==
               std::end(known_services)) {
      return no_filter("service", word, fmt::format("{}, ALL, *", fmt::join(known_services, ", ")));
    }
    filter_.services_.push_back(service.name);
    if (at == word.size()) return service;
    Result<Host> host = read_host(word.substr(at + 1));
    if (!host) return fail(std::move(host.error()));
    if (host->kind != Host::Kind::all && host->kind != Host::Kind::network) {
      return no_filter("address of ours", word, "behind @ of a service, an address or network");
    }
    service.at = std::move(*host);
    return service;
  }

  // A pattern of hosts, or one "user@" before it.
  Result<Host> read_client(std::string_view word) {
    if (const size_t at = word.rfind('@'); at != std::string_view::npos) {
      const std::string_view user = word.substr(0, at);
      const bool anybody = user == "*" || equals_ignoring_case(user, "ALL");
      filter_.needs_ident_ = filter_.needs_ident_ || !anybody;
      word.remove_prefix(at + 1);
    }
    Result<Host> host = read_host(word);
    if (host && host->kind != Host::Kind::all && host->kind != Host::Kind::network) {
      filter_.needs_name_ = true;
    }
    return host;
  }

  Result<Host> read_host(std::string_view word) {
    using enum Host::Kind;
    constexpr std::pair<std::string_view, Host::Kind> wildcards[] = {
        {"*", all},       {"ALL", all},         {"LOCAL", local},
        {"KNOWN", known}, {"UNKNOWN", unknown}, {"DNSSPOOFER", spoofer},
    };
    for (const auto& [name, kind] : wildcards) {
      if (equals_ignoring_case(word, name)) return Host{kind, {}, {}};
    }
    if (word.starts_with('.') && is_host_name(word.substr(1))) {
      return Host{domain, lower_case(word), {}};
    }
    if (is_host_name(word)) return Host{name, lower_case(word), {}};
    const Result<Network> found = Network::parse(network_text(word));
    if (found) return Host{network, {}, *found};
    return no_filter("client", word,
                     "an address, 10.1., 10.0.0.0/255.0.0.0, 10.0.0.0/8, [2001:db8::]/32, a host, "
                     ".domain, ALL, *, LOCAL, KNOWN, UNKNOWN, DNSSPOOFER");
  }

  AccessFilter filter_;
  size_t patterns_ = 0;
};

Result<AccessFilter> AccessFilter::parse(std::string_view text) {
  return FilterReader().read(text);
}

bool AccessFilter::Host::is(const SocketAddress& address) const {
  return kind == Kind::all || (network && network->contains(address));
}

// Only a name that was verified counts, for "-" rules too: without one UNKNOWN is what fits.
bool AccessFilter::Host::is_client(const AccessQuery& query) const {
  const bool is_known = !query.name.empty();
  switch (kind) {
    case Kind::all:
    case Kind::network:
      return is(query.client);
    case Kind::name:
      return is_known && equals_ignoring_case(query.name, name);
    case Kind::domain:
      return query.name.size() > name.size() &&
             equals_ignoring_case(
                 std::string_view(query.name).substr(query.name.size() - name.size()), name);
    case Kind::local:
      return is_known && query.name.find('.') == std::string::npos;
    case Kind::known:
      return is_known;
    case Kind::unknown:
      return !is_known;
    case Kind::spoofer:
      return query.name_is_false;
  }
  return false;
}

bool AccessFilter::mentions(std::string_view service) const {
  return std::find(services_.begin(), services_.end(), service) != services_.end();
}

// The plain name holds for both, as administrators of stores know it, until a filter tells the two
// apart.
bool AccessFilter::fits(const Service& service, const AccessQuery& query) const {
  if (!service.at.is(query.local)) return false;
  if (service.name.empty()) return true;
  const std::string with_tls = query.service + "s";
  if (query.tls && service.name == with_tls) return true;
  return service.name == query.service && !(query.tls && mentions(with_tls));
}

bool AccessFilter::fits(const Rule& rule, const AccessQuery& query) const {
  return rule.services.any([&](const Service& service) { return fits(service, query); }) &&
         rule.clients.any([&](const Host& host) { return host.is_client(query); });
}

bool AccessFilter::admits(const AccessQuery& query) const {
  if (needs_ident_) return false;
  bool any_grants = false;
  bool any_denies = false;
  bool denied = false;
  for (const Rule& rule : rules_) {
    const bool fit = fits(rule, query);
    if (rule.grants && fit) return true;
    denied = denied || fit;
    (rule.grants ? any_grants : any_denies) = true;
  }
  return !denied && (any_denies || !any_grants);
}

}  // namespace openmmp::config
