#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "config/certificate_check.h"
#include "config/cfg_file.h"
#include "config/config.h"
#include "config/diagnostics.h"
#include "config/instance_files.h"
#include "config/option_value.h"
#include "config/process_rules.h"
#include "config/section.h"
#include "config/service_files.h"
#include "config/service_list.h"
#include "config/service_rules.h"
#include "config/smtp_rules.h"
#include "config/store_groups.h"
#include "config/vdmap.h"

namespace openmmp::config {
namespace {

constexpr std::string_view process_file = "AService.cfg";
// The template of the original names the section AService, its shipped lines say default.
constexpr std::string_view process_sections[] = {"default", "AService"};

std::string_view log_name_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::imap:
      return "ImapProxy";
    case Protocol::pop:
      return "PopProxy";
    case Protocol::smtp:
      break;
  }
  return "SmtpProxy";
}

// Reads one instance: AService.cfg, then the file of each service that it lists. Files are parsed
// once, however many services share them. A mistake is put down and reading goes on, so that one
// check shows all of them.
class Loader {
 public:
  Loader(const std::string& directory, int64_t now) : now_(now) {
    std::error_code error;
    config_.directory = std::filesystem::canonical(directory, error).string();
    if (!error) return;
    config_.directory = directory;
    usable_ = false;
    out_.error({directory, 0, {}}, fmt::format("is no instance directory: {}", error.message()));
  }

  Config run() {
    // Without a directory, relative names would be looked up, and templates copied, elsewhere.
    const CfgFile* const cfg = usable_ ? open_cfg(std::string(process_file)) : nullptr;
    if (cfg != nullptr) {
      const std::string file(process_file);
      for (const std::string_view name : process_sections) used_[file].emplace(name);
      Section process = read_section(*cfg, file, process_sections, in_process, out_);
      check_process(process, file, config_.directory, out_);
      load_services(process);
      warn_about_unused_sections();
      config_.process = std::move(process.settings);
    }
    config_.diagnostics = out_.take();
    return std::move(config_);
  }

 private:
  std::string path_of(const std::string& name) const { return path_in(config_.directory, name); }

  // The path to read for the file `name` by the -def rule; empty, and an error, when there is none.
  std::string supply(const std::string& name) {
    const Place place{name, 0, {}};
    const std::string path = path_of(name);
    const std::string original = template_of(name);
    switch (supply_from_template(path)) {
      case Supplied::was_there:
        return path;
      case Supplied::copied:
        out_.note(place, fmt::format("was missing and has been copied from {}", original));
        return path;
      // Whoever only checks an instance may not be allowed to write to it.
      case Supplied::read_only:
        out_.warning(place, fmt::format("is missing and cannot be written; {} is read in its place",
                                        original));
        return template_of(path);
      case Supplied::missing:
        break;
    }
    out_.error(place, fmt::format("is missing, and so is its template{}{}",
                                  original.empty() ? "" : " ", original));
    return {};
  }

  // Null, and an error, when the file cannot be read. The pointer is good as long as the Loader:
  // nothing is taken out of a map whose nodes stay where they are.
  const CfgFile* open_cfg(const std::string& name) {
    if (const auto known = files_.find(name); known != files_.end()) return &known->second;
    const std::string path = supply(name);
    if (path.empty()) return nullptr;
    const Place place{name, 0, {}};
    const Result<std::string> text = read_file(path, max_cfg_file);
    if (!text) {
      out_.error(place, fmt::format("cannot be read: {}", text.error().detail));
      return nullptr;
    }
    CfgFile cfg = parse_cfg(*text);
    for (const CfgFault& fault : cfg.faults) out_.error({name, fault.line, {}}, fault.text);
    return &files_.emplace(name, std::move(cfg)).first->second;
  }

  void load_services(const Section& process) {
    const Given* const given = process.find("ServiceList");
    const Place place{std::string(process_file), given == nullptr ? 0 : given->line, "ServiceList"};
    const ServiceList list = parse_service_list(process.settings.service_list);
    for (const std::string& fault : list.faults) out_.error(place, fault);
    for (const ServiceEntry& entry : list.entries) load_service(entry, process);
    check_pop_before_smtp(sections_, config_.services, out_);
    if (list.entries.empty() && list.faults.empty()) {
      out_.error(place,
                 "names no service; accepted: as \"ImapProxyAService@143 PopProxyAService@110\"");
    }
  }

  Section section_of(const ServiceEntry& entry, const CfgFile& cfg) {
    used_[entry.file].insert(entry.section);
    const std::string_view names[] = {entry.section};
    return read_section(cfg, entry.file, names, scope_of(entry.protocol), out_);
  }

  void load_service(const ServiceEntry& entry, const Section& process) {
    const CfgFile* const cfg = open_cfg(entry.file);
    if (cfg == nullptr) return;
    Section section = section_of(entry, *cfg);
    Service service;
    service.name = entry.name;
    service.executable = entry.executable;
    service.log_name = log_name_of(entry.protocol);
    service.protocol = entry.protocol;
    service.file = entry.file;
    service.section = entry.section;
    service.listeners = entry.listeners;
    service.pairs = section.pairs();
    // Put among the pairs, so that a worker, which has nothing else, comes to the same settings.
    for (const std::string_view inherited : {"LogDir", "LogLevel", "ConnRejectThreshold"}) {
      const Given* const given = process.find(inherited);
      if (given == nullptr || section.find(inherited) != nullptr) continue;
      service.pairs.emplace_back(given->option->name, given->value);
    }
    service.settings = settings_from(service.pairs);
    load_virtual_domains(section, service);
    load_store_groups(section, service);
    find_files(config_.directory, section, service, out_);
    check_certificates(section, now_, service, out_);
    check_rules(section, service, out_);
    if (service.protocol == Protocol::smtp) check_smtp_rules(section, service, out_);
    config_.services.push_back(std::move(service));
    sections_.push_back(std::move(section));
  }

  // The file may be named long before it is written: the original's own examples do so.
  void load_virtual_domains(const Section& section, Service& service) {
    const std::string& file = service.settings.virtual_domain_file;
    const Given* const given = section.find("VirtualDomainFile");
    if (given == nullptr || file.empty()) return;
    const Result<std::string> text = read_file(path_of(file), max_cfg_file);
    if (!text) {
      out_.warning({service.file, given->line, "VirtualDomainFile"},
                   fmt::format("{}: {}; there are no virtual domains", file, text.error().detail));
      return;
    }
    service.virtual_domains = parse_vdmap(*text, file, out_);
  }

  // Unlike the vdmap file, this one says whom to trust: nothing starts without it.
  void load_store_groups(const Section& section, Service& service) {
    const std::string& file = service.settings.store_file;
    if (file.empty()) return;
    const Result<std::string> text = read_file(path_of(file), max_cfg_file);
    if (!text) {
      out_.error(place_of(service, section, "StoreFile"),
                 fmt::format("{}: {}", file, text.error().detail));
      return;
    }
    service.store_groups = parse_store_file(*text, file, out_);
  }

  // A misspelt section would otherwise go unnoticed, and its options with it.
  void warn_about_unused_sections() {
    for (const auto& [name, cfg] : files_) {
      std::set<std::string> seen = used_[name];
      for (const CfgLine& line : cfg.lines) {
        if (!seen.insert(line.section).second) continue;
        out_.warning({name, line.number, {}},
                     fmt::format("no service reads section '{}'; read are: {}", line.section,
                                 fmt::join(used_[name], ", ")));
      }
    }
  }

  const int64_t now_;
  Config config_;
  bool usable_ = true;  // the directory is one
  Diagnostics out_;
  std::vector<Section> sections_;  // of config_.services
  std::map<std::string, CfgFile> files_;
  std::map<std::string, std::set<std::string>> used_;  // sections by file
};

}  // namespace

Config load(const std::string& directory, int64_t now) { return Loader(directory, now).run(); }

Settings settings_from(const Pairs& pairs) { return settings_from(pairs, {}); }

Settings settings_from(const Pairs& pairs, const Pairs& overrides) {
  Settings settings;
  for (const Pairs* const list : {&pairs, &overrides}) {
    for (const auto& [name, value] : *list) {
      const Option* const option = find_option(name);
      // What load() refused never gets here; what an older or newer table thinks otherwise of keeps
      // its default.
      if (option != nullptr) static_cast<void>(set_value(settings, *option, value));
    }
  }
  return settings;
}

}  // namespace openmmp::config
