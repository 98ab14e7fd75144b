#include "config/process_rules.h"

#include <fmt/format.h>

#include "config/instance_files.h"
#include "ipc/tls/certificate.h"

namespace openmmp::config {

void check_process(const Section& section, const std::string& file, const std::string& directory,
                   Diagnostics& out) {
  const Settings& settings = section.settings;
  for (const char* name : {"SharedStatePassword", "SharedStateCaFile", "SharedStatePrefix"}) {
    const Given* const given = section.find(name);
    if (given == nullptr || !settings.shared_state.empty()) continue;
    out.warning({file, given->line, name}, "has no effect without SharedState");
  }
  if (settings.shared_state_prefix.size() > max_prefix) {
    out.error({file, section.find("SharedStatePrefix")->line, "SharedStatePrefix"},
              fmt::format("is longer than {} characters", max_prefix));
  }
  const Given* const given = section.find("SharedStateCaFile");
  if (given == nullptr || settings.shared_state_ca_file.empty()) return;
  const std::string path = path_in(directory, settings.shared_state_ca_file);
  const Result<std::string> text = read_file(path, max_authorities);
  const Result<size_t> count = text ? tls::examine_authorities(*text) : fail(text.error());
  if (!count) {
    out.error({file, given->line, "SharedStateCaFile"},
              fmt::format("{}: {}", path, count.error().detail));
  }
}

}  // namespace openmmp::config
