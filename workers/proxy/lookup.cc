#include "workers/proxy/lookup.h"

#include <fmt/format.h>

#include <optional>

#include "config/access_filter.h"
#include "workers/proxy/admission.h"

namespace openmmp::proxy {

namespace {

constexpr Millis lookup_time = Seconds(5);

const char* verdict(bool in_clear, bool with_tls) {
  if (in_clear == with_tls) return in_clear ? "yes" : "no";
  return in_clear ? "without TLS only" : "with TLS only";
}

// One run of the questions that a login would be asked.
class Explanation {
 public:
  Explanation(LookupQuestion question, Services& services)
      : question_(std::move(question)), services_(services) {}

  Task<LookupAnswer> run();

 private:
  Result<> begin();
  void note(std::string what, std::string value) {
    answer_.steps.emplace_back(std::move(what), std::move(value));
  }
  void explain_limits();
  Task<> explain_filter(std::string what, std::string text);
  Task<> find_name();
  config::AccessQuery query(bool tls) const;
  void explain_hosts(const directory::Route& route);

  const LookupQuestion question_;
  Services& services_;
  const VirtualDomain* domain_ = nullptr;
  std::optional<SocketAddress> client_;
  SocketAddress local_;
  std::optional<ClientName> name_;
  bool admitted_ = true;
  LookupAnswer answer_;
};

Result<> Explanation::begin() {
  if (!question_.client_ip.empty()) {
    Result<SocketAddress> client = SocketAddress::parse(question_.client_ip, 0);
    if (!client) return fail(client.error().code, "client: " + client.error().detail);
    client_ = *client;
  }
  domain_ = &services_.domains.others();
  if (question_.local_ip.empty()) return {};
  const Result<SocketAddress> local = SocketAddress::parse(question_.local_ip, 0);
  if (!local) return fail(local.error().code, "local address: " + local.error().detail);
  local_ = *local;
  domain_ = &services_.domains.find(local_);
  note("virtual domain", domain_->name.empty() ? "none" : domain_->name);
  return {};
}

void Explanation::explain_limits() {
  if (!client_) return;
  const std::optional<int> limit = services_.conn_limits.limit_of(*client_);
  note("connections allowed", limit ? std::to_string(*limit) : "any number");
  const Seconds badness = services_.shared.badness(*client_);
  note("held for", fmt::format("{} s", badness.count()));
}

Task<> Explanation::explain_filter(std::string what, std::string text) {
  if (text.empty()) co_return;
  note(what, text);
  const Result<config::AccessFilter> filter = config::AccessFilter::parse(text);
  if (!filter || filter->needs_ident()) {
    note(what + " says", filter ? "no: it asks for ident" : "no: " + filter.error().detail);
    admitted_ = false;
    co_return;
  }
  if (!client_) co_return;
  if (filter->needs_name()) co_await find_name();
  const bool in_clear = filter->admits(query(false));
  const bool with_tls = filter->admits(query(true));
  admitted_ = admitted_ && (in_clear || with_tls);
  note(what + " says", verdict(in_clear, with_tls));
}

Task<> Explanation::find_name() {
  if (name_) co_return;
  name_ = co_await services_.client_lookup.look_up(*client_, lookup_time);
  note("name of the client", name_->name.empty() ? "none" : name_->name);
}

config::AccessQuery Explanation::query(bool tls) const {
  config::AccessQuery query;
  query.service = filter_service(services_);
  query.tls = tls;
  query.client = *client_;
  query.local = local_;
  if (name_) {
    query.name = name_->name;
    query.name_is_false = name_->is_false;
  }
  return query;
}

void Explanation::explain_hosts(const directory::Route& route) {
  for (HostPort host : route.hosts) {
    if (host.port == 0) host.port = services_.stores.find(host).port;
    const std::string store = host.to_string();
    const auto objection = services_.shared.stores().objection(store);
    note("store", objection ? fmt::format("{}: {}", store, *objection) : store);
  }
}

Task<LookupAnswer> Explanation::run() {
  if (const Result<> begun = begin(); !begun) {
    note("failure", begun.error().detail);
    co_return std::move(answer_);
  }
  explain_limits();
  co_await explain_filter("TCPAccess", domain_->settings.tcp_access);
  directory::Query query(question_.user, question_.client_ip, question_.local_ip);
  const auto route =
      co_await attempt(domain_->directory->find_route(std::move(query), &answer_.steps));
  if (!route) co_return std::move(answer_);
  co_await explain_filter("filter of domain " + route->domain, route->domain_filter);
  co_await explain_filter("filter of user " + route->user, route->user_filter);
  const bool pre_auth = route->pre_auth.value_or(domain_->settings.pre_auth);
  note("password checked", pre_auth ? "here, then by the store" : "by the store");
  if (domain_->settings.max_user_sessions > 0) {
    note("sessions allowed", std::to_string(domain_->settings.max_user_sessions));
  }
  explain_hosts(*route);
  answer_.found = admitted_ && route->standing == directory::Standing::active;
  co_return std::move(answer_);
}

}  // namespace

Task<LookupAnswer> explain_lookup(LookupQuestion question, Services& services) {
  Explanation explanation(std::move(question), services);
  co_return co_await explanation.run();
}

}  // namespace openmmp::proxy
