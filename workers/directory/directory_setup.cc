// How a Directory comes to be: the options and files that make one.
#include <fmt/format.h>

#include <iterator>
#include <sstream>

#include "workers/directory/directory.h"

namespace openmmp::directory {

namespace {

NameRules name_rules(const config::Settings& settings) {
  NameRules rules;
  rules.delimiters = settings.virtual_domain_delim;
  rules.canonical_delimiter = settings.canonical_virtual_domain_delim;
  rules.default_domain = settings.default_domain;
  return rules;
}

Failure about(std::string_view option, const Error& error) {
  return fail(error.code, fmt::format("{}: {}", option, error.detail));
}

Schema schema_of(const std::string& level) {
  return level == "1" ? Schema::one : level == "1.5" ? Schema::one_and_a_half : Schema::two;
}

DomainRules domain_rules(const config::Settings& settings, const std::string& base) {
  DomainRules rules;
  rules.schema = schema_of(settings.schema_level);
  rules.root = settings.ldap_domain_root.empty() ? base : settings.ldap_domain_root;
  rules.filter1 = settings.ldap_domain_filter_schema1;
  rules.filter2 = settings.ldap_domain_filter_schema2;
  rules.name1 = settings.ldap_attr_domain1_schema2;
  rules.name2 = settings.ldap_attr_domain2_schema2;
  rules.alias = settings.ldap_domain_attr_alias;
  rules.canonical_name = settings.ldap_domain_attr_canonical;
  rules.base = settings.ldap_domain_attr_basedn;
  rules.search_filter = settings.ldap_attr_domain_search_filter;
  rules.uid_separator = settings.ldap_domain_attr_uid_separator;
  rules.status = settings.ldap_domain_attr_status;
  rules.mail_status = settings.ldap_domain_attr_mail_status;
  rules.canonical_delimiter = settings.canonical_virtual_domain_delim;
  return rules;
}

config::Words words_of(const std::string& text) {
  std::istringstream stream(text);
  return config::Words(std::istream_iterator<std::string>(stream), {});
}

// A filter that nobody has changed asks for the uid under the name that LDAP_UID gives it.
Result<FilterFormat> user_format(const std::string& text, const config::Settings& settings) {
  const config::Settings untouched;
  const bool is_default = text == untouched.search_format || text == untouched.domain_search_format;
  if (!is_default) return FilterFormat::parse(text);
  return FilterFormat::parse(fmt::format("({}{}", settings.ldap_uid, text.substr(text.find('='))));
}

// What a file says and where, in the words of the options that name it.
std::string fault_text(const std::string& file, const config::CfgFault& fault) {
  const std::string line = fault.line > 0 ? fmt::format("{}:", fault.line) : "";
  return fmt::format("CertMapFile: {}:{} {}", file, line, fault.text);
}

// An AuthenticationServer may know all users and their stores, and a relay may check who they are:
// config says when an LdapUrl is needed.
bool knows_nobody(const config::Settings& settings) { return settings.ldap_url.empty(); }

Result<Source*> open_source(Loop& loop, const config::Settings& settings, const LdapUrl& url,
                            Log& log, const Files& files, Sources& sources) {
  if (knows_nobody(settings)) return sources.open_nothing();
  if (!url.is_embedded()) {
    const Result<Source*> servers = sources.open_servers(loop, url, settings, files.ca_file, log);
    if (!servers) return about("LdapCaFile", servers.error());
    return servers;
  }
  const Result<Source*> file = sources.open_file(url, files.ldif);
  if (!file) return about(url.ldif_file, file.error());
  if ((*file)->has_base(*Dn::parse(url.base))) return file;
  return fail(Errc::refused,
              fmt::format("LdapUrl: {} has no entry below '{}'", url.ldif_file, url.base));
}

}  // namespace

Directory::Directory(Private, Loop& loop, const config::Settings& settings, Formats formats,
                     Source& source, std::string base)
    : rules_(name_rules(settings)),
      formats_(std::move(formats)),
      mail_host_attributes_(settings.mail_host_attrs),
      access_attributes_(words_of(settings.tcp_access_attr)),
      extra_attributes_(settings.authentication_ldap_attributes),
      route_attributes_(settings.mail_host_attrs),
      password_attributes_(settings.password_attrs),
      uid_attribute_(settings.ldap_uid),
      status_attribute_(settings.ldap_user_status),
      mail_status_attribute_(settings.ldap_user_mail_status),
      base_(std::move(base)),
      source_(source),
      users_(loop, source, static_cast<size_t>(settings.ldap_cache_size), settings.ldap_cache_ttl),
      passwords_(loop, source, settings.password_attrs,
                 static_cast<size_t>(settings.auth_cache_size), settings.auth_cache_ttl) {
  const auto add = [this](const config::Words& names) {
    route_attributes_.insert(route_attributes_.end(), names.begin(), names.end());
  };
  add(formats_.replay.attributes());
  add(access_attributes_);
  add(extra_attributes_);
  add({status_attribute_, mail_status_attribute_});
  if (!settings.hosted_domains) return;
  domains_.emplace(loop, source, domain_rules(settings, base_),
                   static_cast<size_t>(settings.ldap_cache_size), settings.ldap_cache_ttl);
}

Result<std::unique_ptr<Directory>> Directory::create(Loop& loop, const config::Settings& settings,
                                                     Log& log, Files files) {
  auto sources = std::make_unique<Sources>();
  auto directory = create(loop, settings, log, std::move(files), *sources);
  if (directory) (*directory)->own_sources_ = std::move(sources);
  return directory;
}

Result<std::unique_ptr<Directory>> Directory::create(Loop& loop, const config::Settings& settings,
                                                     Log& log, Files files, Sources& sources) {
  Result<Formats> formats = parse_formats(settings);
  if (!formats) return fail(formats.error());
  Result<LdapUrl> url = LdapUrl();
  if (!knows_nobody(settings)) url = parse_ldap_url(settings.ldap_url);
  if (!url) return about("LdapUrl", url.error());
  const Result<Source*> source = open_source(loop, settings, *url, log, files, sources);
  if (!source) return fail(source.error());
  auto directory = std::make_unique<Directory>(Private(), loop, settings, std::move(*formats),
                                               **source, std::move(url->base));
  if (const Result<> checked = directory->check_domains(settings); !checked) {
    return fail(checked.error());
  }
  directory->prepare_embedded();
  if (!files.cert_map) return directory;
  if (const Result<> read = directory->read_cert_map(settings, log, files.cert_map); !read) {
    return fail(read.error());
  }
  return directory;
}

Result<Directory::Formats> Directory::parse_formats(const config::Settings& settings) {
  Formats formats;
  Result<FilterFormat> search = user_format(settings.search_format, settings);
  if (!search) return about("SearchFormat", search.error());
  formats.search = std::move(*search);
  formats.domain_search = formats.search;
  if (!settings.domain_search_format.empty()) {
    Result<FilterFormat> domain_search = user_format(settings.domain_search_format, settings);
    if (!domain_search) return about("DomainSearchFormat", domain_search.error());
    formats.domain_search = std::move(*domain_search);
  }
  Result<ReplayFormat> replay =
      ReplayFormat::parse(settings.replay_format, settings.canonical_virtual_domain_delim);
  if (!replay) return about("ReplayFormat", replay.error());
  formats.replay = std::move(*replay);
  return formats;
}

// So that a wrong option is told at the start, and not by every login.
Result<> Directory::check_domains(const config::Settings& settings) {
  if (!domains_) return {};
  const std::pair<const char*, const std::string*> filters[] = {
      {"LDAP_DOMAIN_FILTER_SCHEMA1", &settings.ldap_domain_filter_schema1},
      {"LDAP_DOMAIN_FILTER_SCHEMA2", &settings.ldap_domain_filter_schema2},
  };
  for (const auto& [option, text] : filters) {
    if (text->empty()) continue;
    if (const Result<Filter> filter = parse_filter(*text); !filter) {
      return about(option, filter.error());
    }
  }
  const Result<Dn> root = Dn::parse(domains_->rules().root);
  if (!root) return about("LDAP_DOMAIN_ROOT", root.error());
  if (source_.embedded() == nullptr || source_.has_base(*root)) return {};
  return fail(Errc::refused, fmt::format("LDAP_DOMAIN_ROOT: the LDIF file has no entry below '{}'",
                                         settings.ldap_domain_root));
}

// What logins will be looked up by.
void Directory::prepare_embedded() {
  EmbeddedDirectory* embedded = source_.embedded();
  if (embedded == nullptr) return;
  embedded->prepare(formats_.search.sample());
  if (!domains_) return;
  embedded->prepare(formats_.domain_search.sample());
  const Result<SearchRequest> search = domain_search("example.com", domains_->rules());
  if (!search || search->scope == Scope::base) return;
  if (const Result<Filter> filter = parse_filter(search->filter)) embedded->prepare(*filter);
}

// A wrong file stops the worker: it would let in who should stay out.
Result<> Directory::read_cert_map(const config::Settings& settings, Log& log,
                                  const UniqueFd& file) {
  const Result<std::string> text = read_all(file);
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
    cert_base_ = base_;
    return {};
  }
  const char* const option = is_new_name ? "UserGroupDN" : "CertmapDN";
  const Result<Dn> base = Dn::parse(cert_base_);
  if (!base) return about(option, base.error());
  if (source_.embedded() != nullptr && !source_.has_base(*base)) {
    return fail(Errc::refused,
                fmt::format("{}: {} has no entry below '{}'", option,
                            parse_ldap_url(settings.ldap_url)->ldif_file, cert_base_));
  }
  return {};
}

}  // namespace openmmp::directory
