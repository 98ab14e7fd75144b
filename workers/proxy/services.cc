#include "workers/proxy/services.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/address_file.h"
#include "ipc/handover.h"
#include "workers/proxy/tls_setup.h"

namespace openmmp::proxy {

namespace {

using Files = std::vector<config::FileText>;

// The text of the file that an option of the service names; null: it names none.
const config::FileText* find_file(const Files& files, std::string_view option) {
  const auto found = std::find_if(files.begin(), files.end(), [&](const config::FileText& file) {
    return file.file.option == option && file.file.virtual_domain.empty();
  });
  return found == files.end() ? nullptr : &*found;
}

Result<config::ConnLimits> conn_limits_of(const config::Settings& settings, const Files& files) {
  const config::FileText* const file = find_file(files, "ConnLimits");
  auto limits =
      config::ConnLimits::parse(file != nullptr ? file->text.reveal() : settings.conn_limits);
  if (!limits) return fail(limits.error().code, "ConnLimits: " + limits.error().detail);
  return limits;
}

Result<SharedState::Options> shared_options(const config::Settings& settings, const Files& files,
                                            const ipc::Birthright& birth,
                                            const Stores::Protocol& protocol) {
  SharedState::Options options;
  options.service = birth.service;
  options.protocol = protocol.name;
  options.generation = birth.generation;
  options.index = birth.index;
  options.bad_guys.most = static_cast<size_t>(settings.bg_max);
  options.bad_guys.penalty = settings.bg_penalty;
  options.bad_guys.max_badness = settings.bg_max_badness;
  options.bad_guys.decay = settings.bg_decay;
  options.bad_guys.linear = settings.bg_linear;
  options.stores.failures = settings.store_failures;
  options.stores.probe_interval = settings.store_probe_interval;
  options.stores.ramp_time = settings.store_ramp_time;
  if (const config::FileText* const file = find_file(files, "BGExcluded")) {
    Result<Networks> excluded = config::parse_address_file(file->text.reveal());
    if (!excluded) return fail(excluded.error().code, "BGExcluded: " + excluded.error().detail);
    options.never_bad = std::move(*excluded);
  }
  return options;
}

}  // namespace

Services::Services(Loop& l, Log& g, const Stores::Protocol& p, ServiceParts parts)
    : loop(l),
      log(g),
      protocol(p),
      settings(std::move(parts.settings)),
      sources(std::move(parts.sources)),
      domains(std::move(parts.domains)),
      stores(std::move(parts.stores)),
      tls(std::move(parts.tls)),
      stapler(std::move(parts.stapler)),
      conn_limits(std::move(parts.conn_limits)),
      spoof_message(std::move(parts.spoof_message)),
      resolver(l),
      client_lookup(l),
      policy(l, g, resolver, settings.policy_server,
             Secret::copy_of(settings.policy_password.reveal()), settings.policy_timeout),
      shared(l, g, std::move(parts.shared)),
      store_traffic(l, shared.stores(), settings.max_concurrent_connection_attempts) {}

Result<std::unique_ptr<Services>> make_services(Loop& loop, Log& log, ipc::Birthright& birth,
                                                const Stores::Protocol& protocol) {
  ServiceParts parts;
  parts.settings = config::settings_from(birth.settings);
  parts.sources = std::make_unique<directory::Sources>();
  auto domains = VirtualDomains::create(loop, log, *parts.sources, birth);
  if (!domains) return fail(std::move(domains.error()));
  parts.domains = std::move(*domains);
  const auto files = read_files(birth.files);
  birth.files.clear();
  if (!files) return fail(files.error());
  auto tls = make_server_context(parts.settings, *files, birth.service, protocol.name);
  if (!tls) return fail(std::move(tls.error()));
  parts.tls = std::move(*tls);
  if (parts.tls) parts.tls->set_ticket_keys(std::move(birth.ticket_keys));
  parts.stapler = make_stapler(loop, log, parts.tls.get(), parts.settings, *files);
  auto stores = Stores::create(birth.settings, birth.store_groups, *files, protocol, log);
  if (!stores) return fail(std::move(stores.error()));
  parts.stores = std::move(*stores);
  auto limits = conn_limits_of(parts.settings, *files);
  if (!limits) return fail(std::move(limits.error()));
  parts.conn_limits = std::move(*limits);
  if (const config::FileText* const file = find_file(*files, "SpoofMessageFile")) {
    parts.spoof_message = std::make_unique<std::string>(file->text.reveal());
  }
  auto shared = shared_options(parts.settings, *files, birth, protocol);
  if (!shared) return fail(std::move(shared.error()));
  parts.shared = std::move(*shared);
  return std::make_unique<Services>(loop, log, protocol, std::move(parts));
}

}  // namespace openmmp::proxy
