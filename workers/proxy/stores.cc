#include "workers/proxy/stores.h"

#include <algorithm>

#include "config/store_groups.h"

namespace openmmp::proxy {

namespace {

Forwarding forwarding_of(const config::Words& words) {
  Forwarding forwarding;
  for (const std::string& word : words) {
    if (word == "auto") forwarding.if_announced = true;
    if (word == "proxy1") forwarding.proxy_version = 1;
    if (word == "proxy2") forwarding.proxy_version = 2;
    if (word == "id" || word == "xclient") forwarding.in_protocol = true;
  }
  return forwarding;
}

StoreTls tls_of(const config::Settings& settings) {
  if (settings.ssl_backside_port != 0) return StoreTls::at_connect;
  return settings.store_start_tls ? StoreTls::after_greeting : StoreTls::none;
}

uint16_t port_of(const config::Settings& settings, uint16_t default_port) {
  if (settings.ssl_backside_port != 0) return static_cast<uint16_t>(settings.ssl_backside_port);
  if (settings.backside_port != 0) return static_cast<uint16_t>(settings.backside_port);
  return default_port;
}

std::vector<SocketAddress> sources_of(const config::Words& words) {
  std::vector<SocketAddress> sources;
  for (const std::string& word : words) {
    // check has refused what is no address.
    if (Result<SocketAddress> address = SocketAddress::parse(word, 0)) sources.push_back(*address);
  }
  return sources;
}

tls::ClientOptions tls_options(const config::Settings& settings,
                               std::span<const config::FileText> files, const std::string& group,
                               const char* protocol) {
  tls::ClientOptions options;
  options.authorities = config::store_authorities(settings, files, group);
  options.fingerprints = settings.store_fingerprints;
  options.verify = settings.store_verify;
  options.certificate = config::store_certificate(settings, files, group);
  options.ciphers = settings.ssl_cipher_specs;
  if (settings.ssl_min_version == "1.3") options.min_version = tls::Version::tls1_3;
  options.protocol = protocol;
  return options;
}

}  // namespace

std::optional<SocketAddress> Store::next_source(int family) const {
  for (size_t tried = 0; tried < sources_.size(); ++tried) {
    const SocketAddress& source = sources_[next_source_++ % sources_.size()];
    if (source.family() == family) return source;
  }
  return std::nullopt;
}

Result<Stores> Stores::create(const config::Pairs& pairs, std::vector<config::StoreGroup> groups,
                              std::span<const config::FileText> files, Protocol protocol,
                              Log& log) {
  Stores stores;
  stores.groups_ = std::move(groups);
  const auto make = [&](const config::Settings& settings,
                        const std::string& group) -> Result<std::unique_ptr<Store>> {
    auto store = std::make_unique<Store>();
    store->port = port_of(settings, protocol.port);
    store->tls = tls_of(settings);
    store->forwarding = forwarding_of(settings.forward_client);
    store->relay.tell = settings.tell_relay;
    store->relay.login = settings.relay_login;
    store->relay.password_in_clear = settings.smtp_proxy_password_in_clear;
    store->connect_timeout = protocol.relays ? settings.failover_timeout : settings.connect_timeout;
    if (protocol.relays) store->forwarding = forwarding_of({settings.tell_relay});
    store->login_timeout = settings.store_login_timeout;
    store->sources_ = sources_of(settings.source_addresses);
    if (store->tls == StoreTls::none) return store;
    if (!settings.store_verify && settings.store_fingerprints.empty()) {
      log.write(LogLevel::warning, 0, "StoreVerify is no{}{}: any certificate of a store is taken",
                group.empty() ? "" : " for the stores of ", group);
    }
    auto context = tls::ClientContext::create(tls_options(settings, files, group, protocol.name));
    if (!context) return fail(context.error());
    store->context_ = std::move(*context);
    return store;
  };
  for (const config::StoreGroup& group : stores.groups_) {
    auto store = make(config::settings_from(pairs, group.overrides), group.name);
    if (!store) return fail(store.error());
    stores.of_group_.push_back(std::move(*store));
  }
  auto others = make(config::settings_from(pairs), "");
  if (!others) return fail(others.error());
  stores.of_others_ = std::move(*others);
  return stores;
}

const Store& Stores::find(const HostPort& host) const {
  if (groups_.empty()) return *of_others_;
  const config::StoreGroup* group = config::find_store_group(groups_, host);
  if (group == nullptr) return *of_others_;
  return *of_group_[static_cast<size_t>(group - groups_.data())];
}

}  // namespace openmmp::proxy
