#include "config/service_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "config/cfg_file.h"
#include "ipc/runtime/text.h"

namespace openmmp::config {
namespace {

constexpr size_t max_entries = 64;
constexpr size_t max_listeners = 64;
constexpr std::string_view entry_form = "accepted: MODULE[|FILE[|SECTION]]@[HOST:]PORT[|...]";

struct Module {
  std::string_view executable;
  std::string_view short_name;  // of the 7.x releases
  Protocol protocol;
};

constexpr Module modules[] = {
    {"ImapProxyAService", "imapproxy", Protocol::imap},
    {"PopProxyAService", "popproxy", Protocol::pop},
    {"SmtpProxyAService", "submitproxy", Protocol::smtp},
};

// Paths of the original's libraries are accepted and forgotten: our executables are where we are.
const Module* find_module(std::string_view path) {
  const size_t slash = path.find_last_of("/\\");
  std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  for (const std::string_view extension : {".so", ".dll"}) {
    if (name.size() > extension.size() &&
        equals_ignoring_case(name.substr(name.size() - extension.size()), extension)) {
      name.remove_suffix(extension.size());
      break;
    }
  }
  for (const Module& module : modules) {
    if (equals_ignoring_case(name, module.executable)) return &module;
    if (equals_ignoring_case(name, module.short_name)) return &module;
  }
  return nullptr;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// An address, or a name of letters, digits, '-', '_' and dots that does not look like an address.
bool is_host(std::string_view host) {
  if (SocketAddress::parse(host, 0)) return true;
  const bool odd = std::any_of(host.begin(), host.end(), [](char c) {
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return !alphanumeric && c != '-' && c != '_' && c != '.';
  });
  return !odd && host.size() <= 255 && !is_number(host.substr(host.rfind('.') + 1));
}

// One socket on all interfaces leaves no room for another on one of them.
bool collide(const HostPort& a, const HostPort& b) {
  return a.port == b.port &&
         (a.host.empty() || b.host.empty() || equals_ignoring_case(a.host, b.host));
}

std::optional<HostPort> find_collision(const std::vector<HostPort>& taken, const HostPort& wanted) {
  for (const HostPort& other : taken) {
    if (collide(other, wanted)) return other;
  }
  return std::nullopt;
}

std::string listener_text(const HostPort& listener) {
  return listener.host.empty() ? std::to_string(listener.port) : listener.to_string();
}

}  // namespace

// parse_host_port() reads what may stand without a port; a listener may not.
Result<HostPort> parse_listener(std::string_view text) {
  constexpr std::string_view accepted = "accepted: [HOST:]PORT, as 143 or 127.0.0.1:143";
  if (is_number(text)) {
    uint16_t port = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
    if (parsed.ec == std::errc() && port != 0) return HostPort("", port);
    return fail(Errc::protocol, fmt::format("'{}' is not a port (1 to 65535); {}", text, accepted));
  }
  const Result<HostPort> parsed = parse_host_port(text);
  if (!parsed) return fail(Errc::protocol, fmt::format("{}; {}", parsed.error().detail, accepted));
  if (parsed->port == 0) {
    return fail(Errc::protocol, fmt::format("'{}' has no port; {}", text, accepted));
  }
  if (!is_host(parsed->host)) {
    return fail(Errc::protocol,
                fmt::format("'{}' is not a host name or address; {}", parsed->host, accepted));
  }
  return *parsed;
}

Result<ServiceEntry> parse_service_entry(std::string_view text) {
  // Behind the last '@' stand only listeners; a path before it may hold another.
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos) {
    return fail(Errc::protocol, fmt::format("'{}' names no port; {}", text, entry_form));
  }
  const std::vector<std::string_view> head = split(text.substr(0, at), '|');
  const Module* const module = find_module(head[0]);
  if (module == nullptr) {
    return fail(Errc::protocol,
                fmt::format("'{}' is not a known module; accepted: ImapProxyAService, "
                            "PopProxyAService, SmtpProxyAService, imapproxy, popproxy, submitproxy",
                            head[0]));
  }
  const bool empty_part = std::any_of(head.begin(), head.end(), [](auto s) { return s.empty(); });
  if (head.size() > 3 || empty_part) {
    return fail(Errc::protocol, fmt::format("'{}' is not an entry; {}", text, entry_form));
  }
  ServiceEntry entry;
  entry.executable = module->executable;
  entry.protocol = module->protocol;
  entry.name = entry.executable + std::string(text.substr(head[0].size()));
  entry.file = head.size() > 1 ? std::string(head[1]) : entry.executable + ".cfg";
  entry.section = head.size() > 2 ? std::string(head[2]) : "default";
  const std::vector<std::string_view> listeners = split(text.substr(at + 1), '|');
  if (listeners.size() > max_listeners) {
    return fail(Errc::protocol,
                fmt::format("{} has more than {} listeners", entry.executable, max_listeners));
  }
  for (const std::string_view part : listeners) {
    Result<HostPort> listener = parse_listener(part);
    if (!listener) {
      return fail(Errc::protocol, fmt::format("in '{}': {}", text, listener.error().detail));
    }
    entry.listeners.push_back(std::move(*listener));
  }
  return entry;
}

ServiceList parse_service_list(std::string_view text) {
  ServiceList list;
  std::vector<HostPort> taken;
  const std::vector<std::string> words = split_words(text);
  if (words.size() > max_entries) {
    list.faults.push_back(fmt::format("names more than {} services", max_entries));
    return list;
  }
  for (const std::string& word : words) {
    Result<ServiceEntry> entry = parse_service_entry(word);
    if (!entry) {
      list.faults.push_back(entry.error().detail);
      continue;
    }
    for (const HostPort& listener : entry->listeners) {
      if (const auto other = find_collision(taken, listener)) {
        list.faults.push_back(fmt::format("in '{}': {} collides with {}, which is listed before",
                                          word, listener_text(listener), listener_text(*other)));
      }
      taken.push_back(listener);
    }
    list.entries.push_back(std::move(*entry));
  }
  return list;
}

}  // namespace openmmp::config
