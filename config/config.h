// A whole instance directory, read and checked: AService.cfg, the proxies' files, vdmap files.
// Loading never throws and never stops at the first mistake: everything that is to be said about
// the files is in `diagnostics`, and an instance with an error must not start.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "ipc/runtime/address.h"
#include "ipc/tls/certificate.h"

namespace openmmp::config {

enum class Severity { error, warning, note };

struct Diagnostic {
  Severity severity = Severity::error;
  std::string file;    // as the operator named it, relative to the instance where it can be
  int line = 0;        // 0: the file as a whole
  std::string option;  // empty: not about one option
  std::string text;    // what is wrong, what would be accepted
  // "ImapProxyAService.cfg:12: LDAPTimeout: error: ..."
  std::string to_string() const;
};

// An option as it stands in a file, name in the table's spelling, value without quotes.
using Pair = std::pair<std::string, std::string>;
using Pairs = std::vector<Pair>;

// What a vdmap file says about one virtual domain.
struct VirtualDomain {
  std::string name;
  std::vector<std::string> addresses;  // local addresses, dotted quad or IPv6
  Pairs overrides;
  int line = 0;  // its first in the file
};

// What a StoreFile says about some stores. The first group that has a store counts for it.
struct StoreGroup {
  std::string name;
  std::vector<std::string> hosts;  // see config/store_groups.h
  Pairs overrides;
};

// A file that an option names and that a worker gets open, having no right to it itself.
struct ServiceFile {
  std::string option;       // in the table's spelling
  std::string path;         // absolute
  std::string store_group;  // whose option it is; empty: the service's
  // Which of several; the files of one certificate (its key, its OCSP response) have the same.
  uint32_t index = 0;
  std::string virtual_domain{};  // whose option it is; empty: the service's
  bool operator==(const ServiceFile&) const = default;
};

// A certificate of ours, as check found it.
struct KnownCertificate {
  std::string option;  // that leads to it
  std::string file;
  tls::CertificateFacts facts;
};

enum class Protocol { imap, pop, smtp };

// One entry of ServiceList with everything its workers need.
struct Service {
  std::string name;  // unique in the instance: the entry without its path, "ImapProxyAService@143"
  std::string executable;  // "ImapProxyAService"
  std::string log_name;    // "ImapProxy"
  Protocol protocol = Protocol::imap;
  std::string file;                 // "ImapProxyAService.cfg"
  std::string section;              // "default"
  std::vector<HostPort> listeners;  // host empty: all interfaces
  Pairs pairs;                      // what the file says, for the hand-over to the workers
  std::vector<VirtualDomain> virtual_domains;
  std::vector<StoreGroup> store_groups;
  Settings settings;  // pairs and defaults, typed
  std::vector<ServiceFile> files;
  std::vector<KnownCertificate> certificates;  // to clients, then to stores
};

struct Config {
  std::string directory;  // absolute
  Settings process;       // AService.cfg
  std::vector<Service> services;
  std::vector<Diagnostic> diagnostics;
  bool ok() const;  // no error among the diagnostics
};

// Reads the instance in `directory`. Copies X-def.cfg to X.cfg where only the former is there.
// Dates of certificates are held against `now`, in seconds since 1970.
Config load(const std::string& directory, int64_t now = std::time(nullptr));

// A path of a file of the instance: as it is when absolute, else below `directory`.
std::string path_in(const std::string& directory, const std::string& path);

// Fills Settings from pairs that load() has accepted before (in this or another process). Unknown
// names are skipped: a newer supervisor may know more than this worker.
Settings settings_from(const Pairs& pairs);
// The same where some are overridden, as for a group of stores.
Settings settings_from(const Pairs& pairs, const Pairs& overrides);

}  // namespace openmmp::config
