#include "supervisor/generation.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <set>
#include <thread>

#include "config/store_groups.h"
#include "supervisor/privileges.h"

namespace openmmp::supervisor {

namespace {

constexpr uint16_t smtp_port = 25;

// As the workers name it: without a port it is that of its group in StoreFile, or the service's.
std::string relay_name(const config::Service& service, HostPort relay) {
  if (relay.port != 0) return relay.to_string();
  config::Pairs pairs = service.pairs;
  const config::StoreGroup* group = config::find_store_group(service.store_groups, relay);
  if (group != nullptr) {
    pairs.insert(pairs.end(), group->overrides.begin(), group->overrides.end());
  }
  const config::Settings settings = config::settings_from(pairs);
  const int port =
      settings.ssl_backside_port != 0 ? settings.ssl_backside_port : settings.backside_port;
  relay.port = port != 0 ? static_cast<uint16_t>(port) : smtp_port;
  return relay.to_string();
}

}  // namespace

WantedGeneration Generation::wanted() const {
  const int configured = config.process.num_threads;
  const uint32_t workers = configured > 0 ? static_cast<uint32_t>(configured)
                                          : std::max(1u, std::thread::hardware_concurrency());
  WantedGeneration result;
  result.number = number;
  for (const config::Service& service : config.services) {
    result.services.push_back(WantedService{service.name, workers});
  }
  return result;
}

std::vector<HostPort> Generation::listeners() const {
  std::vector<HostPort> result;
  for (const config::Service& service : config.services) {
    std::copy(service.listeners.begin(), service.listeners.end(), std::back_inserter(result));
  }
  return result;
}

std::vector<std::string> Generation::relays() const {
  std::set<std::string> names;
  for (const config::Service& service : config.services) {
    for (const std::string& word : service.settings.smtp_relays) {
      const Result<HostPort> relay = parse_host_port(word);
      if (relay) names.insert(relay_name(service, *relay));
    }
  }
  return {names.begin(), names.end()};
}

const config::Service* Generation::find(const std::string& service) const {
  const auto found =
      std::find_if(config.services.begin(), config.services.end(),
                   [&service](const config::Service& entry) { return entry.name == service; });
  return found == config.services.end() ? nullptr : &*found;
}

Result<> make_startable(config::Config& config, const std::string& executables) {
  std::erase_if(config.services, [&](const config::Service& service) {
    const std::string file = executables + "/" + service.executable;
    if (::access(file.c_str(), X_OK) == 0) return false;
    config::Diagnostic missing;
    missing.severity = config::Severity::warning;
    missing.file = "AService.cfg";
    missing.option = "ServiceList";
    missing.text = fmt::format("{} is left out: cannot start {}: {}", service.name, file,
                               std::strerror(errno));
    config.diagnostics.push_back(std::move(missing));
    return true;
  });
  if (config.services.empty()) {
    return fail(Errc::refused,
                "AService.cfg: ServiceList: nothing that can be started; expected entries such as "
                "ImapProxyAService@143|993");
  }
  if (const Result<WorkerUser> user = worker_user(config.process); !user) {
    return fail(user.error());
  }
  return {};
}

}  // namespace openmmp::supervisor
