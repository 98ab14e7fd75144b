#include "workers/proxy/virtual_domains.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "ipc/handover.h"

namespace openmmp::proxy {

namespace {

// The files of a virtual domain ("": of the service) that its directory reads.
directory::Files take_files(std::vector<ipc::NamedFile>& from, const std::string& domain) {
  directory::Files files;
  std::erase_if(from, [&](ipc::NamedFile& named) {
    if (named.virtual_domain != domain) return false;
    UniqueFd* const place = named.option == "LdapUrl"       ? &files.ldif
                            : named.option == "LdapCaFile"  ? &files.ca_file
                            : named.option == "CertMapFile" ? &files.cert_map
                                                            : nullptr;
    if (place == nullptr) return false;
    *place = std::move(named.file);
    return true;
  });
  return files;
}

// A virtual domain reads the service's file where it names none of its own.
UniqueFd copy_of(const UniqueFd& file) {
  return UniqueFd(file ? ::fcntl(file.get(), F_DUPFD_CLOEXEC, 0) : -1);
}

bool has(const std::string& format, std::string_view escape) {
  return format.find(escape) != std::string::npos;
}

Result<> fill(VirtualDomain& domain, Loop& loop, Log& log, directory::Sources& sources,
              directory::Files files) {
  const config::Settings& settings = domain.settings;
  auto made = directory::Directory::create(loop, settings, log, std::move(files), sources);
  if (!made) return fail(std::move(made.error()));
  domain.directory = std::move(*made);
  Result<config::AccessFilter> filter = config::AccessFilter::parse(settings.tcp_access);
  if (!filter) return fail(filter.error().code, "TCPAccess: " + filter.error().detail);
  domain.tcp_access = std::move(*filter);
  if (!settings.authentication_server.empty()) {
    auto server = AuthenticationServer::parse(settings.authentication_server);
    if (!server) return fail(server.error().code, "AuthenticationServer: " + server.error().detail);
    domain.authentication_server = std::move(*server);
  }
  domain.wants_local_ip =
      has(settings.search_format, "%S") || has(settings.domain_search_format, "%S");
  domain.wants_subject =
      has(settings.search_format, "%D") || has(settings.domain_search_format, "%D");
  return {};
}

}  // namespace

Result<VirtualDomains> VirtualDomains::create(Loop& loop, Log& log, directory::Sources& sources,
                                              ipc::Birthright& birth) {
  VirtualDomains domains;
  domains.others_ = std::make_unique<VirtualDomain>();
  domains.others_->settings = config::settings_from(birth.settings);
  directory::Files files = take_files(birth.files, "");
  const UniqueFd cert_map = copy_of(files.cert_map);
  auto filled = fill(*domains.others_, loop, log, sources, std::move(files));
  if (!filled) return fail(std::move(filled.error()));
  for (const config::VirtualDomain& from : birth.virtual_domains) {
    auto domain = std::make_unique<VirtualDomain>();
    domain->name = from.name;
    domain->addresses = from.addresses;
    domain->settings = config::settings_from(birth.settings, from.overrides);
    files = take_files(birth.files, from.name);
    if (!files.cert_map) files.cert_map = copy_of(cert_map);
    filled = fill(*domain, loop, log, sources, std::move(files));
    if (!filled) {
      return fail(filled.error().code,
                  fmt::format("virtual domain {}: {}", from.name, filled.error().detail));
    }
    domains.list_.push_back(std::move(domain));
  }
  return domains;
}

const VirtualDomain& VirtualDomains::find(const SocketAddress& local) const {
  if (list_.empty()) return *others_;
  const std::string ip = local.ip();
  for (const auto& domain : list_) {
    const auto& addresses = domain->addresses;
    if (std::find(addresses.begin(), addresses.end(), ip) != addresses.end()) return *domain;
  }
  return *others_;
}

}  // namespace openmmp::proxy
