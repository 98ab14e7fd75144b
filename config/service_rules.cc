#include "config/service_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/service_files.h"
#include "config/ssl_ports.h"

namespace openmmp::config {
namespace {

// Where the rules about stores find their options: in the service's file, or in StoreFile.
struct StorePlace {
  const Service& service;
  const Section& section;
  const StoreGroup* group;  // null: the service
  // Rules speak once of what a group inherits.
  bool sets(std::string_view option) const {
    if (group == nullptr) return section.find(option) != nullptr;
    return std::any_of(group->overrides.begin(), group->overrides.end(),
                       [&](const Pair& pair) { return pair.first == option; });
  }
  Place of(std::string_view option) const {
    if (group == nullptr) return place_of(service, section, option);
    return {service.settings.store_file, 0, std::string(option)};
  }
  std::string prefix() const {
    return group == nullptr ? "" : fmt::format("for the stores of {}: ", group->name);
  }
  void warn(Diagnostics& out, std::string_view option, std::string_view text) const {
    out.warning(of(option), prefix() + std::string(text));
  }
};

bool matches_listener(const HostPort& port, const HostPort& listener) {
  if (port.port != listener.port) return false;
  // What a name stands for is known when the listener is opened.
  const bool is_address = SocketAddress::parse(listener.host, 0).has_value();
  return port.host.empty() || !is_address || port.host == listener.host;
}

class Rules {
 public:
  Rules(const Section& section, const Service& service, Diagnostics& out)
      : section_(section), service_(service), settings_(service.settings), out_(out) {}

  void check_client_leg() {
    check_ssl_ports();
    if (settings_.ssl_enable) return;
    if (settings_.restrict_plain_passwords) {
      warn("RestrictPlainPasswords",
           "is yes and SSLEnable is no: no client can log in with a clear-text password");
    }
    for (const std::string_view option : {"SSLClientCaFile", "CertMapFile"}) {
      if (is_set(option)) warn(option, "does nothing while SSLEnable is no");
    }
  }

  void check_identity() {
    // A relay may learn the name without it, see smtp_rules.
    const bool no_admin = settings_.store_admin.empty() && service_.protocol != Protocol::smtp;
    if (no_admin && settings_.scrams) {
      warn("SCRAMs",
           "is yes and StoreAdmin is empty: nobody can log in by it, because the proxy "
           "learns no password that it could give to a store");
    }
    if (settings_.ssl_enable && !settings_.cert_map_file.empty()) {
      if (no_admin) {
        warn("CertMapFile", "is set and StoreAdmin is empty: nobody can log in by a certificate");
      }
      if (settings_.ssl_client_ca_file.empty()) {
        warn("CertMapFile",
             "is set and SSLClientCaFile is empty: clients are not asked for certificates");
      }
    }
    if (settings_.admin_policy == AdminPolicy::group && settings_.admin_groups.empty()) {
      warn("AdminPolicy", "is group and AdminGroups is empty: nobody may log in as another user");
    }
    if (settings_.proxy_protocol && settings_.trusted_networks.empty()) {
      error("ProxyProtocol",
            "is yes and TrustedNetworks is empty, so that nobody's header would be "
            "believed; accepted: the addresses of the load balancers there");
    }
  }

  void check_all_stores() {
    check_stores(settings_, StorePlace{service_, section_, nullptr});
    for (const StoreGroup& group : service_.store_groups) {
      check_stores(settings_from(service_.pairs, group.overrides),
                   StorePlace{service_, section_, &group});
    }
  }

 private:
  bool is_set(std::string_view option) const {
    const Given* const given = section_.find(option);
    return given != nullptr && !given->value.empty();
  }
  void warn(std::string_view option, std::string text) {
    out_.warning(place_of(service_, section_, option), std::move(text));
  }
  void error(std::string_view option, std::string text) {
    out_.error(place_of(service_, section_, option), std::move(text));
  }

  // `settings` are the group's.
  void check_stores(const Settings& settings, const StorePlace& place) {
    const bool at_once = settings.ssl_backside_port != 0;
    if (!at_once && !settings.store_start_tls) check_clear_stores(place);
    if (at_once && settings.store_start_tls && place.sets("StoreStartTls")) {
      place.warn(out_, "StoreStartTls", "does nothing, because SSLBacksidePort speaks TLS at once");
    }
    if (at_once || settings.store_start_tls) check_trust(settings, place);
    const bool lonely = !settings.store_key_file.empty() && settings.store_cert_file.empty();
    if (lonely && place.sets("StoreKeyFile")) {
      out_.error(place.of("StoreKeyFile"),
                 place.prefix() +
                     "is set and StoreCertFile is empty; accepted: both, or StoreCertFile alone");
    }
  }

  void check_clear_stores(const StorePlace& place) {
    for (const std::string_view option :
         {"StoreVerify", "StoreCaFile", "StoreFingerprints", "StoreCertFile"}) {
      if (!place.sets(option)) continue;
      place.warn(out_, option,
                 "does nothing, because stores are spoken to in clear; SSLBacksidePort or "
                 "StoreStartTls would change that");
    }
  }

  void check_trust(const Settings& settings, const StorePlace& place) {
    const bool anybody = !settings.store_verify && settings.store_fingerprints.empty();
    if (anybody && (place.sets("StoreVerify") || place.sets("StoreFingerprints"))) {
      place.warn(out_, "StoreVerify",
                 "is no: whoever answers in a store's place gets the passwords");
    }
  }

  void check_ssl_ports() {
    if (!settings_.ssl_enable && !settings_.ssl_ports.empty()) {
      warn("SSLPorts", "is set and SSLEnable is no: these ports speak no TLS");
    }
    check_listed("SSLPorts", section_, service_, out_);
  }

  const Section& section_;
  const Service& service_;
  const Settings& settings_;
  Diagnostics& out_;
};

}  // namespace

void check_listed(std::string_view option, const Section& section, const Service& service,
                  Diagnostics& out) {
  const Given* const given = section.find(option);
  const auto ports = parse_ssl_ports(given == nullptr ? "" : given->value);
  if (!ports) return;
  for (const HostPort& port : *ports) {
    const bool listed =
        std::any_of(service.listeners.begin(), service.listeners.end(),
                    [&](const HostPort& listener) { return matches_listener(port, listener); });
    if (listed) continue;
    out.warning(place_of(service, section, option),
                fmt::format("{} is no port of {} in ServiceList, so that nothing listens there",
                            port.host.empty() ? std::to_string(port.port) : port.to_string(),
                            service.name));
  }
}

void check_rules(const Section& section, const Service& service, Diagnostics& out) {
  Rules rules(section, service, out);
  rules.check_client_leg();
  rules.check_identity();
  rules.check_all_stores();
}

}  // namespace openmmp::config
