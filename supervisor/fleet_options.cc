#include "supervisor/fleet_options.h"

#include "config/instance_files.h"
#include "config/process_rules.h"
#include "ipc/runtime/secret.h"

namespace openmmp::supervisor {

proto::FleetOptions fleet_options(const config::Settings& process, const std::string& directory,
                                  Log& log) {
  proto::FleetOptions options;
  if (process.shared_state.empty()) return options;
  if (!process.shared_state_ca_file.empty()) {
    const std::string path = config::path_in(directory, process.shared_state_ca_file);
    Result<std::string> text = config::read_file(path, config::max_authorities);
    if (!text) {
      log.write(LogLevel::error, 0, "nothing is shared: SharedStateCaFile: {}: {}", path,
                text.error().detail);
      return options;
    }
    options.set_authorities(std::move(*text));
  }
  for (const std::string& server : process.shared_state) options.add_servers(server);
  options.set_password(process.shared_state_password.reveal_string());
  options.set_prefix(process.shared_state_prefix);
  return options;
}

void wipe_password(proto::FleetOptions& options) { wipe(*options.mutable_password()); }

}  // namespace openmmp::supervisor
