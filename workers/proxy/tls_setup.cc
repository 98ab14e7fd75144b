#include "workers/proxy/tls_setup.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace openmmp::proxy {

namespace {

Result<Secret> read_all(const UniqueFd& file) {
  // Grows by blocks that are wiped: it may be a private key.
  std::string text;
  char block[16 * 1024];
  for (;;) {
    // From the start whatever was read before: workers may share one open file.
    const ssize_t got = ::pread(file.get(), block, sizeof block, static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Errc::unavailable, std::strerror(errno));
    if (got == 0) return Secret(std::move(text));
    std::string grown;
    grown.reserve(text.size() + static_cast<size_t>(got));
    grown.append(text).append(block, static_cast<size_t>(got));
    wipe(text);
    text = std::move(grown);
    explicit_bzero(block, sizeof block);
  }
}

}  // namespace

Result<std::vector<config::FileText>> read_files(const std::vector<ipc::NamedFile>& files) {
  std::vector<config::FileText> texts;
  for (const ipc::NamedFile& named : files) {
    Result<Secret> text = read_all(named.file);
    if (!text) {
      return fail(Errc::unavailable,
                  fmt::format("{}: {}: {}", named.option, named.path, text.error().detail));
    }
    config::ServiceFile file;
    file.option = named.option;
    file.path = named.path;
    file.store_group = named.store_group;
    file.index = named.index;
    file.virtual_domain = named.virtual_domain;
    texts.emplace_back(std::move(file), std::move(*text));
  }
  return texts;
}

Result<std::unique_ptr<tls::ServerContext>> make_server_context(
    const config::Settings& settings, std::span<const config::FileText> files,
    const std::string& service, const char* protocol) {
  if (!settings.ssl_enable) return std::unique_ptr<tls::ServerContext>();
  tls::ServerOptions options;
  options.certificates = config::server_certificates(settings, files);
  options.ciphers = settings.ssl_cipher_specs;
  if (settings.ssl_min_version == "1.3") options.min_version = tls::Version::tls1_3;
  options.protocol = protocol;
  options.authorities = config::file_text(files, "SSLClientCaFile");
  options.scope = service + '\n' + options.authorities;
  options.strict_names = settings.ssl_strict_names;
  options.ticket_seconds = settings.ssl_ticket_time.count();
  return tls::ServerContext::create(std::move(options));
}

std::unique_ptr<Stapler> make_stapler(Loop& loop, Log& log, tls::ServerContext* context,
                                      const config::Settings& settings,
                                      std::span<const config::FileText> files) {
  if (context == nullptr) return nullptr;
  return std::make_unique<Stapler>(
      loop, log, *context, config::server_certificates(settings, files), settings.ssl_ocsp_fetch);
}

}  // namespace openmmp::proxy
