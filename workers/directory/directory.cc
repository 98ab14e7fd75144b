#include "workers/directory/directory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

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

void note(Steps* steps, std::string_view what, std::string_view value) {
  if (steps != nullptr) steps->emplace_back(std::string(what), std::string(value));
}

Failure ended(Steps* steps, const Error& error) {
  note(steps, "failure", error.detail);
  return fail(error);
}

// Appends the hosts of one value, "host:port" or several of them with blanks between.
Result<> add_hosts(std::string_view value, std::vector<HostPort>& hosts) {
  constexpr std::string_view blanks = " \t";
  size_t start = value.find_first_not_of(blanks);
  while (start != std::string_view::npos) {
    const size_t end = value.find_first_of(blanks, start);
    Result<HostPort> host = parse_host_port(value.substr(start, end - start));
    if (!host) return fail(std::move(host.error()));
    hosts.push_back(std::move(*host));
    start = value.find_first_not_of(blanks, end);
  }
  return {};
}

// The first of `attributes` that the entry has names its stores. One that names none is the
// operator's mistake and not the user's: temporary.
Result<std::vector<HostPort>> hosts_of(const Entry& entry, const config::Words& attributes,
                                       Steps* steps) {
  std::vector<HostPort> hosts;
  for (const std::string& attribute : attributes) {
    const Values* values = entry.find(attribute);
    if (values == nullptr) continue;
    for (const std::string& value : *values) {
      note(steps, attribute, value);
      if (const Result<> added = add_hosts(value, hosts); !added) {
        return fail(Errc::unavailable,
                    fmt::format("entry '{}': {}: {}", entry.dn(), attribute, added.error().detail));
      }
    }
    break;
  }
  if (!hosts.empty()) return hosts;
  return fail(Errc::unavailable,
              fmt::format("entry '{}' has no {}", entry.dn(), fmt::join(attributes, " or ")));
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

}  // namespace

Directory::Directory(Private, Loop& loop, const config::Settings& settings,
                     FilterFormat search_format, ReplayFormat replay_format)
    : loop_(loop),
      rules_(name_rules(settings)),
      search_format_(std::move(search_format)),
      replay_format_(std::move(replay_format)),
      mail_host_attributes_(settings.mail_host_attrs),
      cache_(static_cast<size_t>(settings.ldap_cache_size), settings.ldap_cache_ttl) {}

Result<std::unique_ptr<Directory>> Directory::create(Loop& loop, const config::Settings& settings,
                                                     Log& log, Files files) {
  Result<FilterFormat> search_format = FilterFormat::parse(settings.search_format);
  if (!search_format) return about("SearchFormat", search_format.error());
  Result<ReplayFormat> replay_format =
      ReplayFormat::parse(settings.replay_format, settings.canonical_virtual_domain_delim);
  if (!replay_format) return about("ReplayFormat", replay_format.error());
  auto directory = std::make_unique<Directory>(Private(), loop, settings, std::move(*search_format),
                                               std::move(*replay_format));
  if (const Result<> opened = directory->open(settings, log, std::move(files)); !opened) {
    return fail(opened.error());
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
  options.attributes = mail_host_attributes_;
  for (std::string& name : replay_format_.attributes()) {
    options.attributes.push_back(std::move(name));
  }
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

Task<Route> Directory::find_route(Query query, Steps* steps) {
  note(steps, "name as typed", query.user);
  const Result<LoginName> name = parse_login_name(query.user, rules_);
  if (!name) co_return ended(steps, name.error());
  note(steps, "user", name->user);
  note(steps, "domain", name->domain);
  note(steps, "canonical name", name->canonical);
  note(steps, "base", base_text_);
  const std::string filter = search_format_.fill(*name, query.client_ip, query.local_ip);
  note(steps, "filter", filter);
  Result<Found> found = fail(Errc::internal);
  const Entry* entry = cache_.find(filter, loop_.now());
  if (entry != nullptr) {
    note(steps, "answer from", "cache");
  } else {
    found = co_await attempt(search(filter));
    if (!found) co_return ended(steps, found.error());
    note(steps, "answer from", found->source);
    entry = &found->entry;
  }
  // No co_await from here on: the next look-up may push the entry out of the cache.
  note(steps, "entry", entry->dn());
  Result<std::vector<HostPort>> hosts = hosts_of(*entry, mail_host_attributes_, steps);
  if (!hosts) co_return ended(steps, hosts.error());
  Result<std::string> replay = replay_format_.fill(*name, *entry);
  if (!replay) co_return ended(steps, replay.error());
  note(steps, "replay name", *replay);
  co_return Route(std::move(*hosts), std::move(*replay), name->canonical);
}

Task<Found> Directory::search(std::string filter) {
  auto* embedded = std::get_if<EmbeddedDirectory>(&source_);
  if (embedded != nullptr) co_return search_ldif(*embedded, filter);
  co_return co_await std::get<LdapDirectory>(source_).find(std::move(filter));
}

Result<Found> Directory::search_ldif(EmbeddedDirectory& embedded, const std::string& filter) {
  const Result<Filter> parsed = parse_filter(filter);
  if (!parsed) return fail(Errc::unavailable, parsed.error().detail);
  Result<Entry> entry = exactly_one(embedded.search(base_, *parsed, 2), filter);
  if (!entry) return fail(std::move(entry.error()));
  cache_.insert(filter, *entry, loop_.now());
  return Found(std::move(*entry), source_name_);
}

}  // namespace openmmp::directory
