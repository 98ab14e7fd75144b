#include "config/service_files.h"

#include <fmt/format.h>

#include "config/conn_limits.h"
#include "config/file_contents.h"
#include "config/instance_files.h"
#include "config/option_syntax.h"
#include "ipc/runtime/text.h"

namespace openmmp::config {
namespace {

// cert7.db, key3.db and their kin.
bool is_nss_database(const std::string& path) {
  constexpr std::string_view extension = ".db";
  return path.size() > extension.size() &&
         equals_ignoring_case(path.substr(path.size() - extension.size()), extension);
}

// Each is a descriptor of the message that a worker is born with, which has room for 1000.
constexpr size_t max_files = 800;

class Finder {
 public:
  Finder(const std::string& directory, const Section& section, Service& service, Diagnostics& out)
      : directory_(directory), section_(section), service_(service), out_(out) {}

  void find_directory() {
    const Settings& settings = service_.settings;
    const Given* const url = section_.find("LdapUrl");
    if (url == nullptr || settings.ldap_url.empty()) {
      if (!needs_directory(settings)) return find_directories_of_domains();
      out_.error(place("LdapUrl"),
                 fmt::format("is not set in section {}, and users cannot be found without it; "
                             "accepted: as \"ldap://HOST/BASE\" or \"ldif:FILE\"",
                             service_.section));
    } else if (const std::string_view ldif = ldif_file(url->value); !ldif.empty()) {
      add("LdapUrl", std::string(ldif));
    }
    add_if_set("LdapCaFile", service_.settings.ldap_ca_file);
  }

  void find_protections() {
    const Settings& settings = service_.settings;
    if (names_file_of_conn_limits(settings.conn_limits)) add("ConnLimits", settings.conn_limits);
    find_excluded();
    add_if_set("SpoofMessageFile", settings.spoof_message_file);
  }

  // The file may be named long before it is written: the original's own examples do so.
  void find_excluded() {
    const std::string& name = service_.settings.bg_excluded;
    if (name.empty()) return;
    if (exists(path_in(directory_, name))) return add("BGExcluded", name);
    out_.warning(place("BGExcluded"),
                 fmt::format("{}: No such file or directory; no address is excluded", name));
  }

  void find_virtual_domains() {
    for (const VirtualDomain& domain : service_.virtual_domains) {
      for (const auto& [option, value] : domain.overrides) {
        const std::string name = file_of(option, value);
        if (name.empty()) continue;
        ServiceFile file;
        file.option = option;
        file.virtual_domain = domain.name;
        add_file({service_.settings.virtual_domain_file, domain.line, option}, name, file);
      }
    }
  }

  // Files of TLS towards clients are left alone while SSLEnable is no.
  void find_certificates() {
    const Settings& settings = service_.settings;
    if (settings.ssl_enable) {
      if (settings.ssl_cert_file.empty()) {
        find_nicknames();
      } else {
        find_pairs();
      }
      find_responses();
      add_if_set("SSLClientCaFile", settings.ssl_client_ca_file);
      add_if_set("CertMapFile", settings.cert_map_file);
    }
    const bool for_stores = section_.find("StoreCertFile") != nullptr;
    if (settings.ssl_enable || for_stores || !service_.store_groups.empty()) {
      add_if_set("SSLKeyPasswdFile", settings.ssl_key_passwd_file);
    }
  }

  void find_store_files() {
    const Settings& settings = service_.settings;
    add_if_set("StoreCaFile", settings.store_ca_file);
    add_if_set("StoreCertFile", settings.store_cert_file);
    add_if_set("StoreKeyFile", settings.store_key_file);
    for (const StoreGroup& group : service_.store_groups) {
      for (const auto& [option, path] : group.overrides) {
        if (find_option(option)->syntax.form != Form::path || path.empty()) continue;
        ServiceFile file;
        file.option = option;
        file.store_group = group.name;
        add_file({settings.store_file, 0, option}, path, file);
      }
    }
  }

  void check_number() {
    if (service_.files.size() <= max_files) return;
    out_.error(
        {service_.file, 0, {}},
        fmt::format("names {} files in section {}, StoreFile and VirtualDomainFile; accepted: {}; "
                    "keys may be in the files of their certificates",
                    service_.files.size(), service_.section, max_files));
  }

 private:
  // Nobody finds a store without it, but where an AuthenticationServer knows the users. A relay is
  // found without it, and only who is checked here is looked up.
  bool needs_directory(const Settings& settings) const {
    const bool checks = settings.pre_auth || service_.protocol != Protocol::smtp;
    const bool certificates = settings.ssl_enable && !settings.cert_map_file.empty();
    const bool is_known_elsewhere = settings.pre_auth && !settings.authentication_server.empty();
    return (checks && !is_known_elsewhere) || (service_.protocol == Protocol::smtp && certificates);
  }

  // The service does without; a virtual domain of it may not.
  void find_directories_of_domains() {
    for (const VirtualDomain& domain : service_.virtual_domains) {
      const Settings settings = settings_from(service_.pairs, domain.overrides);
      if (!settings.ldap_url.empty() || !needs_directory(settings)) continue;
      out_.error({service_.settings.virtual_domain_file, domain.line, "LdapUrl"},
                 fmt::format("virtual domain {} cannot find its users without it; accepted: as "
                             "\"ldap://HOST/BASE\" or \"ldif:FILE\"",
                             domain.name));
    }
  }

  Place place(std::string_view option) const { return place_of(service_, section_, option); }

  void add_if_set(std::string_view option, const std::string& path) {
    if (!path.empty()) add(option, path);
  }
  void add(std::string_view option, const std::string& path, uint32_t index = 0) {
    ServiceFile file;
    file.option = option;
    file.index = index;
    add_file(place(option), path, file);
  }

  // The file that a virtual domain's option names. Client certificates are a matter of SSLEnable,
  // which a virtual domain cannot change.
  std::string file_of(const std::string& option, const std::string& value) const {
    if (option == "LdapUrl") return std::string(ldif_file(value));
    if (option == "CertMapFile" && service_.settings.ssl_enable) return value;
    return {};
  }

  // `file` as it will be handed over, but for its path.
  void add_file(const Place& where, const std::string& name, ServiceFile file) {
    if (is_nss_database(name)) {
      out_.error(where, fmt::format("{} is a database of NSS; accepted: a PEM file, made of it by: "
                                    "pk12util -o x.p12 -n NICKNAME -d DIRECTORY, then openssl "
                                    "pkcs12 -in x.p12 -nodes -out x.pem",
                                    name));
      return;
    }
    const std::string path = path_in(directory_, name);
    if (const Result<> readable = check_readable(path); !readable) {
      out_.error(where, fmt::format("{}: {}; accepted: a readable file, relative to {}", name,
                                    readable.error().detail, directory_));
      return;
    }
    file.path = path;
    service_.files.push_back(std::move(file));
  }

  // A nickname is as good as a file's name, so that configurations with an NSS database need new
  // files only.
  void find_nicknames() {
    const Settings& settings = service_.settings;
    const std::string directory = path_in(directory_, settings.ssl_cache_dir);
    if (settings.ssl_cert_nicknames.empty()) {
      out_.error(place("SSLEnable"),
                 "is yes and there is no certificate; accepted: files in SSLCertFile");
    }
    for (uint32_t i = 0; i < settings.ssl_cert_nicknames.size(); ++i) {
      const std::string& nickname = settings.ssl_cert_nicknames[i];
      const std::string certificate =
          path_in(directory, settings.ssl_cert_prefix + nickname + ".pem");
      const std::string key = path_in(directory, settings.ssl_key_prefix + nickname + ".key");
      if (const Result<> readable = check_readable(certificate); !readable) {
        out_.error(place("SSLCertNicknames"),
                   fmt::format("nickname {} stands for {}: {}; accepted: PEM files in SSLCertFile, "
                               "or nicknames of such files in SSLCacheDir",
                               nickname, certificate, readable.error().detail));
        continue;
      }
      service_.files.push_back({"SSLCertFile", certificate, {}, i});
      if (exists(key)) add("SSLKeyFile", key, i);
    }
    if (!settings.ssl_key_file.empty()) {
      out_.warning(place("SSLKeyFile"), "is not used, because SSLCertFile is empty");
    }
  }

  void find_pairs() {
    const Settings& settings = service_.settings;
    const size_t count = settings.ssl_cert_file.size();
    const bool apart = !settings.ssl_key_file.empty();
    if (apart && settings.ssl_key_file.size() != count) {
      out_.error(place("SSLKeyFile"),
                 fmt::format("{} files for {} certificates; accepted: as many as in SSLCertFile, "
                             "or none when the keys are in those files",
                             settings.ssl_key_file.size(), count));
      return;
    }
    for (uint32_t i = 0; i < count; ++i) {
      add("SSLCertFile", settings.ssl_cert_file[i], i);
      if (apart) add("SSLKeyFile", settings.ssl_key_file[i], i);
    }
  }

  void find_responses() {
    const Settings& settings = service_.settings;
    const Words& responses = settings.ssl_ocsp_file;
    const size_t count = settings.ssl_cert_file.empty() ? settings.ssl_cert_nicknames.size()
                                                        : settings.ssl_cert_file.size();
    if (!responses.empty() && responses.size() != count) {
      out_.error(place("SSLOcspFile"),
                 fmt::format("{} files for {} certificates; accepted: one for each, \"-\" for none",
                             responses.size(), count));
      return;
    }
    for (uint32_t i = 0; i < responses.size(); ++i) {
      if (responses[i] != "-") add("SSLOcspFile", responses[i], i);
    }
  }

  const std::string& directory_;
  const Section& section_;
  Service& service_;
  Diagnostics& out_;
};

}  // namespace

Place place_of(const Service& service, const Section& section, std::string_view option) {
  const Given* const given = section.find(option);
  return {service.file, given == nullptr ? 0 : given->line, std::string(option)};
}

void find_files(const std::string& directory, const Section& section, Service& service,
                Diagnostics& out) {
  Finder finder(directory, section, service, out);
  finder.find_directory();
  finder.find_certificates();
  finder.find_store_files();
  finder.find_protections();
  finder.find_virtual_domains();
  finder.check_number();
  for (const ServiceFile& file : service.files) {
    const bool inside = file.path.starts_with(directory + "/");
    check_contents(file, inside ? file.path.substr(directory.size() + 1) : file.path, out);
  }
}

}  // namespace openmmp::config
