#include "config/smtp_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/service_files.h"
#include "config/service_rules.h"

namespace openmmp::config {
namespace {

bool is_set(const Section& section, std::string_view option) {
  const Given* const given = section.find(option);
  return given != nullptr && !given->value.empty();
}

bool overrides(const Pairs& pairs, std::string_view option) {
  return std::any_of(pairs.begin(), pairs.end(),
                     [&](const Pair& pair) { return pair.first == option; });
}

bool is_set_by_a_domain(const Service& service, std::string_view option) {
  return std::any_of(
      service.virtual_domains.begin(), service.virtual_domains.end(),
      [&](const VirtualDomain& domain) { return overrides(domain.overrides, option); });
}

class SmtpRules {
 public:
  SmtpRules(const Section& section, const Service& service, Diagnostics& out)
      : section_(section), service_(service), settings_(service.settings), out_(out) {}

  void check_relays() {
    if (settings_.smtp_relays.empty()) {
      out_.error(place("SmtpRelays"),
                 fmt::format("is not set in section {}, and mail has nowhere to go without it; "
                             "accepted: HOST[:PORT]..., as \"manatee:485 gonzo\"",
                             service_.section));
    }
    check_listed("OpenPorts", section_, service_, out_);
    check_relay(settings_, place("TellRelay"), place("RelayLogin"), "");
    for (const StoreGroup& group : service_.store_groups) {
      // What a group inherits has been said.
      if (!overrides(group.overrides, "TellRelay") && !overrides(group.overrides, "RelayLogin")) {
        continue;
      }
      const std::string& file = settings_.store_file;
      check_relay(settings_from(service_.pairs, group.overrides), {file, 0, "TellRelay"},
                  {file, 0, "RelayLogin"}, fmt::format("for the stores of {}: ", group.name));
    }
  }

  void check_authentication() {
    if (settings_.pre_auth || is_set_by_a_domain(service_, "PreAuth")) return;
    const std::pair<std::string_view, bool> useless[] = {
        {"CRAMs", settings_.crams},
        {"SCRAMs", settings_.scrams},
        {"AuthenticationServer", !settings_.authentication_server.empty()},
    };
    for (const auto& [option, is_wanted] : useless) {
      if (!is_wanted) continue;
      out_.warning(place(option),
                   "does nothing while PreAuth is no: AUTH is the relay's to answer");
    }
  }

 private:
  Place place(std::string_view option) const { return place_of(service_, section_, option); }

  // A virtual domain may have what the service lacks.
  void check_relay(const Settings& settings, const Place& tell, const Place& login,
                   const std::string& prefix) {
    if (settings.tell_relay == "xproxyehlo" && settings.smtp_proxy_password.empty() &&
        !is_set_by_a_domain(service_, "SmtpProxyPassword")) {
      out_.warning(tell, prefix +
                             "is xproxyehlo and SmtpProxyPassword is empty: relays cannot be told "
                             "who a client is, and serve nobody");
    }
    if (settings.relay_login == "none" && settings.pre_auth) {
      out_.warning(login, prefix +
                              "is none and PreAuth is on: relays learn of no login, so that nobody "
                              "who is checked here can send");
    }
    if (settings.relay_login == "admin" && settings.store_admin.empty() &&
        !is_set_by_a_domain(service_, "StoreAdmin")) {
      out_.warning(
          login, prefix + "is admin and StoreAdmin is empty: nobody who is checked here can send");
    }
  }

  const Section& section_;
  const Service& service_;
  const Settings& settings_;
  Diagnostics& out_;
};

// Whether a POP login to this service, or to a virtual domain of it, is ever recorded.
bool records_logins(const Service& service) {
  const auto records = [](const Settings& settings) {
    return settings.pre_auth && settings.auth_service_ttl > 0;
  };
  return service.protocol == Protocol::pop &&
         (records(service.settings) ||
          std::any_of(service.virtual_domains.begin(), service.virtual_domains.end(),
                      [&](const VirtualDomain& domain) {
                        return records(settings_from(service.pairs, domain.overrides));
                      }));
}

void check_recording(const Section& section, const Service& service, Diagnostics& out) {
  const Settings& settings = service.settings;
  if (service.protocol != Protocol::pop || records_logins(service)) return;
  if (settings.auth_service_ttl > 0) {
    out.warning(
        place_of(service, section, "AuthServiceTTL"),
        "does nothing while PreAuth is no: only logins that are checked here are remembered");
  }
  if (settings.auth_service) {
    out.warning(place_of(service, section, "AuthService"),
                "is yes and no login is remembered, so that XQUERYAUTH finds nobody; PreAuth yes "
                "and an AuthServiceTTL above 0 would change that");
  }
}

}  // namespace

void check_smtp_rules(const Section& section, const Service& service, Diagnostics& out) {
  SmtpRules rules(section, service, out);
  rules.check_relays();
  rules.check_authentication();
}

void check_pop_before_smtp(const std::vector<Section>& sections,
                           const std::vector<Service>& services, Diagnostics& out) {
  const bool recorded = std::any_of(services.begin(), services.end(), records_logins);
  for (size_t i = 0; i < services.size(); ++i) {
    check_recording(sections[i], services[i], out);
    if (recorded || !is_set(sections[i], "PopBeforeSmtpKludgeChannel")) continue;
    out.warning(place_of(services[i], sections[i], "PopBeforeSmtpKludgeChannel"),
                "is set and no POP service of ServiceList has PreAuth yes and an AuthServiceTTL "
                "above 0: no client gets it");
  }
}

}  // namespace openmmp::config
