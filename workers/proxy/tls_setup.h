// What a worker makes of the files of its Birth: certificates to show, authorities to ask.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/certificates.h"
#include "config/settings.h"
#include "ipc/handover.h"
#include "ipc/tls/server_context.h"
#include "workers/proxy/stapler.h"

namespace openmmp::proxy {

// Errc::unavailable names the file that cannot be read.
Result<std::vector<config::FileText>> read_files(const std::vector<ipc::NamedFile>& files);

// TLS towards clients; null when SSLEnable is no. `service` keeps its tickets apart from others',
// `protocol` is its name for ALPN.
Result<std::unique_ptr<tls::ServerContext>> make_server_context(
    const config::Settings& settings, std::span<const config::FileText> files,
    const std::string& service, const char* protocol);

// For a context of make_server_context(), made of the same settings and files; null when there is
// none.
std::unique_ptr<Stapler> make_stapler(Loop& loop, Log& log, tls::ServerContext* context,
                                      const config::Settings& settings,
                                      std::span<const config::FileText> files);

}  // namespace openmmp::proxy
