#include "supervisor/generation.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <thread>

#include "supervisor/privileges.h"

namespace openmmp::supervisor {

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
