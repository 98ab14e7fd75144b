// A configuration that is, or is to be, at work. The number grows with each reload and is never
// used again.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "supervisor/plan.h"

namespace openmmp::supervisor {

struct Generation {
  Generation(uint32_t n, config::Config c) : number(n), config(std::move(c)) {}

  WantedGeneration wanted() const;
  std::vector<HostPort> listeners() const;
  // SmtpRelays of all services, as "host:port", each once.
  std::vector<std::string> relays() const;
  const config::Service* find(const std::string& service) const;

  uint32_t number;
  config::Config config;
};

// What load() cannot know: which services can be started with what is in `executables`. Takes the
// others out of `config`, with a warning among its diagnostics. Fails
// when none is left or when workers cannot become who they are to be.
Result<> make_startable(config::Config& config, const std::string& executables);

}  // namespace openmmp::supervisor
