#include "workers/directory/directory.h"

#include <fmt/format.h>

#include <string_view>

#include "workers/directory/steps.h"

namespace openmmp::directory {

namespace {

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

// A copy for while we wait: the cache may drop the domain meanwhile.
const Domain* keep(const Domain* domain, std::optional<Domain>& kept) {
  if (domain == nullptr || kept) return domain;
  return &kept.emplace(*domain);
}

void explain(const Domain* domain, std::string_view source, Steps* steps) {
  if (domain == nullptr) return;
  note(steps, "domain entry", domain->dn);
  note(steps, "domain answer from", source);
  if (domain->pre_auth) note(steps, "domain's PreAuth", *domain->pre_auth ? "yes" : "no");
}

}  // namespace

bool is_same_entry(const Route& a, const Route& b) {
  if (a.dn.empty() || b.dn.empty()) return false;
  const Result<Dn> first = Dn::parse(a.dn);
  const Result<Dn> second = Dn::parse(b.dn);
  return first && second && *first == *second;
}

std::string Directory::canonical_name(const std::string& typed) {
  const Result<LoginName> name = parse_login_name(typed, rules_);
  return name ? canonical_of(*name, cached_domain(*name)) : typed;
}

const Domain* Directory::cached_domain(const LoginName& name) {
  return is_hosted(name) ? domains_->cached(name.domain) : nullptr;
}

std::string Directory::canonical_of(const LoginName& name, const Domain* domain) const {
  return domain == nullptr ? name.canonical : name.user + rules_.canonical_delimiter + domain->name;
}

std::string Directory::filter_for(const LoginName& name, const Domain* domain,
                                  const Query& query) const {
  const FilterFormat& format = domain == nullptr       ? formats_.search
                               : domain->search_filter ? *domain->search_filter
                                                       : formats_.domain_search;
  const auto fill = [&](const LoginName& whom) {
    return format.fill(whom, query.client_ip, query.local_ip, query.certificate_subject);
  };
  if (domain == nullptr || domain->uid_separator.empty()) return fill(name);
  LoginName compound = name;
  compound.user += domain->uid_separator + domain->name;
  return fill(compound);
}

SearchRequest Directory::request_for(std::string filter, const Domain* domain) const {
  SearchRequest request(base_for(domain), std::move(filter), route_attributes_);
  if (domain == nullptr || !domain->replay) return request;
  for (std::string& name : domain->replay->attributes()) {
    request.attributes.push_back(std::move(name));
  }
  return request;
}

Task<Route> Directory::find_route(Query query, Steps* steps) {
  note(steps, "name as typed", query.user);
  const Result<LoginName> name = parse_login_name(query.user, rules_);
  if (!name) co_return ended(steps, name.error());
  note(steps, "user", name->user);
  note(steps, "domain", name->domain);
  const Domain* domain = cached_domain(*name);
  std::optional<Domain> kept;
  if (domain == nullptr && is_hosted(*name)) {
    Result<Domain> fetched = co_await attempt(domains_->fetch(name->domain));
    if (!fetched) co_return ended(steps, fetched.error());
    domain = &kept.emplace(std::move(*fetched));
  }
  explain(domain, kept ? kept->source : "cache", steps);
  note(steps, "base", base_for(domain));
  std::string key = filter_for(*name, domain, query);
  note(steps, "filter", key);
  const size_t filter_size = key.size();
  if (domain != nullptr) key += domain->users_key;
  Result<Found> found = fail(Errc::internal);
  const Entry* entry = users_.cached(key);
  if (entry == nullptr) {
    domain = keep(domain, kept);
    found = co_await attempt(users_.fetch(key, request_for(key.substr(0, filter_size), domain)));
    if (!found) co_return ended(steps, found.error());
    entry = &found->entry;
    passwords_.forget(entry->dn(), canonical_of(*name, domain));
  }
  note(steps, "answer from", found ? found->source : "cache");
  // No co_await from here on: the next look-up may push the entry out of the cache.
  note(steps, "entry", entry->dn());
  Result<Route> route = route_of(*name, domain, *entry, steps);
  if (!route) co_return ended(steps, route.error());
  if (query.wants_dn) route->dn = entry->dn();
  co_return std::move(*route);
}

Judgement Directory::judge(const std::string& user, const Domain* domain,
                           const Entry& entry) const {
  Judgement judgement;
  if (domain != nullptr) judgement = domain->judgement;
  judgement.add(StatusOf::user, user, entry, status_attribute_);
  judgement.add(StatusOf::user, user, entry, mail_status_attribute_);
  return judgement;
}

Result<Route> Directory::route_of(const LoginName& name, const Domain* domain, const Entry& entry,
                                  Steps* steps) const {
  Route route;
  route.user = canonical_of(name, domain);
  route.domain = domain == nullptr ? name.domain : domain->name;
  note(steps, "canonical name", route.user);
  const Judgement judgement = judge(route.user, domain, entry);
  route.standing = judgement.standing();
  route.standing_text = judgement.text();
  const bool is_active = route.standing == Standing::active;
  note(steps, "status", is_active ? "active" : judgement.text());
  add_extras(domain, entry, steps, route);
  Result<std::vector<HostPort>> hosts = hosts_of(entry, mail_host_attributes_, steps);
  if (!hosts && is_active) return fail(std::move(hosts.error()));
  if (hosts) route.hosts = std::move(*hosts);
  const bool has_own = domain != nullptr && domain->replay;
  const ReplayFormat& format = has_own ? *domain->replay : formats_.replay;
  Result<std::string> replay = format.fill(name, entry);
  if (!replay && is_active) return fail(std::move(replay.error()));
  if (!replay) return route;
  route.replay_name = std::move(*replay);
  note(steps, "replay name", route.replay_name);
  return route;
}

void Directory::add_extras(const Domain* domain, const Entry& entry, Steps* steps,
                           Route& route) const {
  if (domain != nullptr) {
    route.pre_auth = domain->pre_auth;
    route.domain_filter = domain->access_filter;
  }
  for (const std::string& attribute : access_attributes_) {
    const Values* values = entry.find(attribute);
    if (values == nullptr) continue;
    if (!route.user_filter.empty()) route.user_filter += '$';
    route.user_filter += joined_filters(values);
  }
  for (const std::string& attribute : extra_attributes_) {
    const Values* values = entry.find(attribute);
    if (values == nullptr) continue;
    for (const std::string& value : *values) route.attributes.emplace_back(attribute, value);
  }
  if (!route.domain_filter.empty()) note(steps, "domain's access filter", route.domain_filter);
  if (!route.user_filter.empty()) note(steps, "user's access filter", route.user_filter);
}

}  // namespace openmmp::directory
