#include "config/report.h"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

#include "config/certificate_check.h"
#include "config/diagnostics.h"
#include "config/option_value.h"

namespace openmmp::config {
namespace {

// Keys in the order in which they are put in: people read these documents, too.
using Json = nlohmann::ordered_json;

std::string listener_text(const HostPort& listener) {
  return listener.host.empty() ? fmt::format("*:{}", listener.port) : listener.to_string();
}

std::string_view key_type_text(tls::KeyType type) {
  switch (type) {
    case tls::KeyType::rsa:
      return "RSA";
    case tls::KeyType::ecdsa:
      return "ECDSA";
    case tls::KeyType::ed25519:
      break;
  }
  return "Ed25519";
}

std::string counted(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

size_t count(const Config& config, Severity severity) {
  size_t result = 0;
  for (const Diagnostic& one : config.diagnostics) result += one.severity == severity ? 1 : 0;
  return result;
}

// All the options of a service would bury the five that somebody has set.
void print_settings(const Settings& settings, Scope scope, std::string& out) {
  size_t at_default = 0;
  for (const Option& option : options()) {
    if (!option.applies_to(scope)) continue;
    const std::string value = value_text(settings, option);
    if (value == default_text(option)) {
      ++at_default;
    } else {
      fmt::format_to(std::back_inserter(out), "  {:<28} {}\n", option.name,
                     value.empty() ? "\"\"" : value);
    }
  }
  fmt::format_to(std::back_inserter(out), "  {}\n",
                 counted(at_default, "option") + " as by default");
}

void print_groups(const Service& service, std::string& out) {
  const auto end = std::back_inserter(out);
  for (const VirtualDomain& domain : service.virtual_domains) {
    fmt::format_to(end, "  virtual domain {} at {}: {}\n", domain.name,
                   fmt::join(domain.addresses, " "), counted(domain.overrides.size(), "option"));
  }
  for (const StoreGroup& group : service.store_groups) {
    fmt::format_to(end, "  stores {} at {}: {}\n", group.name, fmt::join(group.hosts, " "),
                   counted(group.overrides.size(), "option"));
  }
  for (const KnownCertificate& certificate : service.certificates) {
    fmt::format_to(
        end, "  certificate {}: {}, {}, expires {}\n", certificate.file,
        certificate.facts.names.empty() ? certificate.facts.subject
                                        : fmt::to_string(fmt::join(certificate.facts.names, " ")),
        key_type_text(certificate.facts.key_type), date_text(certificate.facts.not_after));
  }
}

// Typed as the option is; all of them, so that a program need not know the defaults.

Json json_value(bool value) { return value; }
Json json_value(int value) { return value; }
Json json_value(Seconds value) { return value.count(); }
Json json_value(const std::string& value) { return value; }
Json json_value(const Secret& value) { return value.empty() ? "" : "***"; }
Json json_value(const Words& value) { return value; }
Json json_value(AdminPolicy value) { return value == AdminPolicy::group ? "group" : "simple"; }

Json json_settings(const Settings& settings, Scope scope) {
  Json result = Json::object();
  for (const Option& option : options()) {
    if (!option.applies_to(scope)) continue;
    result[std::string(option.name)] =
        std::visit([&](auto member) { return json_value(settings.*member); }, option.member);
  }
  return result;
}

Json json_overrides(const Pairs& overrides) {
  Json result = Json::object();
  for (const auto& [name, value] : overrides) {
    const Option* const option = find_option(name);
    result[name] = option != nullptr && is_secret(*option) ? "***" : value;
  }
  return result;
}

Json json_certificates(const Service& service) {
  Json result = Json::array();
  for (const KnownCertificate& certificate : service.certificates) {
    Json one;
    one["option"] = certificate.option;
    one["file"] = certificate.file;
    one["names"] = certificate.facts.names;
    one["key_type"] = key_type_text(certificate.facts.key_type);
    one["expires"] = date_text(certificate.facts.not_after);
    result.push_back(std::move(one));
  }
  return result;
}

Json json_service(const Service& service) {
  Json listeners = Json::array();
  for (const HostPort& listener : service.listeners) listeners.push_back(listener_text(listener));
  Json domains = Json::array();
  for (const VirtualDomain& domain : service.virtual_domains) {
    Json one;
    one["name"] = domain.name;
    one["addresses"] = domain.addresses;
    one["settings"] = json_overrides(domain.overrides);
    domains.push_back(std::move(one));
  }
  Json groups = Json::array();
  for (const StoreGroup& group : service.store_groups) {
    Json one;
    one["name"] = group.name;
    one["hosts"] = group.hosts;
    one["settings"] = json_overrides(group.overrides);
    groups.push_back(std::move(one));
  }
  Json result;
  result["name"] = service.name;
  result["executable"] = service.executable;
  result["listeners"] = std::move(listeners);
  result["file"] = service.file;
  result["section"] = service.section;
  result["settings"] = json_settings(service.settings, scope_of(service.protocol));
  result["virtual_domains"] = std::move(domains);
  result["store_groups"] = std::move(groups);
  result["certificates"] = json_certificates(service);
  return result;
}

Json json_diagnostic(const Diagnostic& diagnostic) {
  Json result;
  result["severity"] = severity_name(diagnostic.severity);
  result["file"] = diagnostic.file;
  result["line"] = diagnostic.line;
  result["option"] = diagnostic.option;
  result["text"] = diagnostic.text;
  return result;
}

}  // namespace

std::string check_text(const Config& config) {
  std::string out;
  const auto end = std::back_inserter(out);
  for (const Diagnostic& one : config.diagnostics) fmt::format_to(end, "{}\n", one.to_string());
  if (!out.empty()) out += '\n';
  fmt::format_to(end, "instance {}\n", config.directory);
  print_settings(config.process, in_process, out);
  for (const Service& service : config.services) {
    fmt::format_to(end, "\nservice {}\n  {} reads section {} of {} and listens on", service.name,
                   service.executable, service.section, service.file);
    for (const HostPort& one : service.listeners) fmt::format_to(end, " {}", listener_text(one));
    out += '\n';
    print_settings(service.settings, scope_of(service.protocol), out);
    print_groups(service, out);
  }
  fmt::format_to(end, "\n{}: {}, {}, {}\n", config.ok() ? "ok" : "not ok, nothing starts",
                 counted(count(config, Severity::error), "error"),
                 counted(count(config, Severity::warning), "warning"),
                 counted(count(config, Severity::note), "note"));
  return out;
}

std::string check_json(const Config& config) {
  Json result;
  result["ok"] = config.ok();
  result["directory"] = config.directory;
  result["diagnostics"] = Json::array();
  for (const Diagnostic& one : config.diagnostics) {
    result["diagnostics"].push_back(json_diagnostic(one));
  }
  result["process"] = json_settings(config.process, in_process);
  result["services"] = Json::array();
  for (const Service& service : config.services) {
    result["services"].push_back(json_service(service));
  }
  // Files may hold bytes that are not UTF-8; JSON may not.
  return result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace openmmp::config
