// How a Directory comes to be: the options and files that make one.
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "workers/directory/directory.h"

namespace openmmp::directory {

namespace {

Result<std::string> read_all(int fd) {
  std::string text;
  char buffer[65536];
  for (;;) {
    // From the start whatever was read before: workers may share one open file.
    const ssize_t count = ::pread(fd, buffer, sizeof buffer, static_cast<off_t>(text.size()));
    if (count == 0) return text;
    if (count > 0) {
      text.append(buffer, static_cast<size_t>(count));
    } else if (errno != EINTR) {
      return fail(Errc::unavailable, fmt::format("cannot be read: {}", std::strerror(errno)));
    }
  }
}

// libldap wants a name to open. The name of our descriptor would do, were it not that the file may
// be one that only its owner may open again: so it gets a copy of our own.
Result<UniqueFd> copy_of(const UniqueFd& file) {
  const Result<std::string> text = read_all(file.get());
  if (!text) return fail(text.error());
  UniqueFd copy(memfd_create("ca_file", MFD_CLOEXEC));
  const ssize_t written = ::write(copy.get(), text->data(), text->size());
  if (written != static_cast<ssize_t>(text->size())) {
    return fail(Errc::unavailable, fmt::format("cannot be copied: {}", std::strerror(errno)));
  }
  return copy;
}

LdapDirectoryOptions ldap_options(const config::Settings& settings, LdapUrl url, UniqueFd ca_file) {
  LdapDirectoryOptions options;
  LdapAccess& access = options.pool.access;
  access.servers = std::move(url.servers);
  access.bind_dn = settings.bind_dn;
  access.bind_pass = Secret::copy_of(settings.bind_pass.reveal());
  access.start_tls = settings.ldap_start_tls;
  access.verify = settings.ldap_verify;
  access.ca_file = ca_file ? fmt::format("/proc/self/fd/{}", ca_file.get()) : settings.ldap_ca_file;
  access.timeout = settings.ldap_timeout;
  options.pool.size = static_cast<size_t>(settings.ldap_pool_size);
  options.pool.refresh = std::max(settings.ldap_refresh_interval, Seconds(1));
  options.ca_file = std::move(ca_file);
  options.base = std::move(url.base);
  return options;
}

NameRules name_rules(const config::Settings& settings) {
  NameRules rules;
  rules.delimiters = settings.virtual_domain_delim;
  rules.canonical_delimiter = settings.canonical_virtual_domain_delim;
  rules.default_domain = settings.default_domain;
  return rules;
}

Failure about(const char* option, const Error& error) {
  return fail(error.code, fmt::format("{}: {}", option, error.detail));
}

// What a file says and where, in the words of the options that name it.
std::string fault_text(const std::string& file, const config::CfgFault& fault) {
  const std::string line = fault.line > 0 ? fmt::format("{}:", fault.line) : "";
  return fmt::format("CertMapFile: {}:{} {}", file, line, fault.text);
}

}  // namespace

Directory::Directory(Private, Loop& loop, const config::Settings& settings,
                     FilterFormat search_format, ReplayFormat replay_format)
    : loop_(loop),
      rules_(name_rules(settings)),
      search_format_(std::move(search_format)),
      replay_format_(std::move(replay_format)),
      mail_host_attributes_(settings.mail_host_attrs),
      route_attributes_(settings.mail_host_attrs),
      password_attributes_(settings.password_attrs),
      cache_(static_cast<size_t>(settings.ldap_cache_size), settings.ldap_cache_ttl) {
  for (std::string& name : replay_format_.attributes()) {
    route_attributes_.push_back(std::move(name));
  }
}

Result<std::unique_ptr<Directory>> Directory::create(Loop& loop, const config::Settings& settings,
                                                     Log& log, Files files) {
  Result<FilterFormat> search_format = FilterFormat::parse(settings.search_format);
  if (!search_format) return about("SearchFormat", search_format.error());
  Result<ReplayFormat> replay_format =
      ReplayFormat::parse(settings.replay_format, settings.canonical_virtual_domain_delim);
  if (!replay_format) return about("ReplayFormat", replay_format.error());
  auto directory = std::make_unique<Directory>(Private(), loop, settings, std::move(*search_format),
                                               std::move(*replay_format));
  const UniqueFd cert_map = std::move(files.cert_map);
  if (const Result<> opened = directory->open(settings, log, std::move(files)); !opened) {
    return fail(opened.error());
  }
  if (!cert_map) return directory;
  if (const Result<> read = directory->read_cert_map(settings, log, cert_map); !read) {
    return fail(read.error());
  }
  return directory;
}

Result<> Directory::open(const config::Settings& settings, Log& log, Files files) {
  Result<LdapUrl> url = parse_ldap_url(settings.ldap_url);
  if (!url) return about("LdapUrl", url.error());
  base_text_ = url->base;
  if (url->is_embedded()) return open_ldif(*url, files.ldif);
  if (files.ca_file) {
    Result<UniqueFd> copy = copy_of(files.ca_file);
    if (!copy) return about("LdapCaFile", copy.error());
    files.ca_file = std::move(*copy);
  }
  LdapDirectoryOptions options = ldap_options(settings, std::move(*url), std::move(files.ca_file));
  options.attributes = route_attributes_;
  if (!settings.ldap_verify) {
    log.write(LogLevel::warning, 0, "directory: LdapVerify is no: any certificate is taken");
  }
  source_.emplace<LdapDirectory>(loop_, std::move(options), cache_, log);
  return {};
}

Result<> Directory::open_ldif(const LdapUrl& url, const UniqueFd& file) {
  Result<std::string> text = read_all(file.get());
  if (!text) return about(url.ldif_file.c_str(), text.error());
  Result<EmbeddedDirectory> embedded = EmbeddedDirectory::from_ldif(std::move(*text));
  if (!embedded) return about(url.ldif_file.c_str(), embedded.error());
  base_ = *Dn::parse(url.base);
  if (!base_.is_root() && !embedded->has_entry_below(base_)) {
    return fail(Errc::refused,
                fmt::format("LdapUrl: {} has no entry below '{}'", url.ldif_file, url.base));
  }
  embedded->prepare(search_format_.sample());
  source_ = std::move(*embedded);
  source_name_ = url.ldif_file;
  return {};
}

// A wrong file stops the worker: it would let in who should stay out.
Result<> Directory::read_cert_map(const config::Settings& settings, Log& log,
                                  const UniqueFd& file) {
  const Result<std::string> text = read_all(file.get());
  if (!text) return about("CertMapFile", text.error());
  ParsedCertMap parsed = parse_certmap(*text);
  if (!parsed.errors.empty()) {
    return fail(Errc::refused, fault_text(settings.cert_map_file, parsed.errors.front()));
  }
  for (const config::CfgFault& warning : parsed.warnings) {
    log.write(LogLevel::warning, 0, "directory: {}", fault_text(settings.cert_map_file, warning));
  }
  cert_map_ = std::move(parsed.map);
  const bool is_new_name = !settings.user_group_dn.empty();
  cert_base_ = is_new_name ? settings.user_group_dn : settings.certmap_dn;
  if (cert_base_.empty()) {
    cert_base_ = base_text_;
    return {};
  }
  const char* const option = is_new_name ? "UserGroupDN" : "CertmapDN";
  const Result<Dn> base = Dn::parse(cert_base_);
  if (!base) return about(option, base.error());
  const auto* embedded = std::get_if<EmbeddedDirectory>(&source_);
  if (embedded != nullptr && !embedded->has_entry_below(*base)) {
    return fail(Errc::refused,
                fmt::format("{}: {} has no entry below '{}'", option, source_name_, cert_base_));
  }
  return {};
}

}  // namespace openmmp::directory
