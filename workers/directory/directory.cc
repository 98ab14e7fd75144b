#include "workers/directory/directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace openmmp::directory {

namespace {

// RFC 4523 wants the first name; files and some servers have the second.
constexpr std::string_view certificate_attributes[] = {"userCertificate;binary", "userCertificate"};
constexpr std::string_view name_attributes[] = {"uid", "mail"};
constexpr std::string_view member_attributes[] = {"member", "uniqueMember"};

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

// Some servers compare up to a NUL and no further: "joe@x.org", NUL, ".net" would be joe to them.
bool has_control_character(const std::string& subject) {
  const Result<std::vector<Rdn>> rdns = parse_rdns(subject);
  if (!rdns) return false;
  return std::any_of(rdns->begin(), rdns->end(), [](const Rdn& rdn) {
    return std::any_of(rdn.begin(), rdn.end(), [](const DnPart& part) {
      return std::any_of(part.value.begin(), part.value.end(), is_control);
    });
  });
}

bool holds_certificate(const Entry& entry, const std::string& der) {
  for (const std::string_view name : certificate_attributes) {
    const Values* values = entry.find(name);
    if (values == nullptr || der.empty()) continue;
    if (std::find(values->begin(), values->end(), der) != values->end()) return true;
  }
  return false;
}

// The name under which the entry's user would have logged in with a password.
Result<std::string> login_name_of(const Entry& entry) {
  for (const std::string_view name : name_attributes) {
    if (const Values* values = entry.find(name)) return values->front();
  }
  return fail(Errc::refused, fmt::format("entry '{}' has neither {}", entry.dn(),
                                         fmt::join(name_attributes, " nor ")));
}

bool names_one_of(const Entry& entry, std::string_view attribute, const std::vector<Dn>& dns) {
  const Values* values = entry.find(attribute);
  if (values == nullptr) return false;
  return std::any_of(values->begin(), values->end(), [&dns](const std::string& value) {
    const Result<Dn> dn = Dn::parse(value);
    return dn && std::find(dns.begin(), dns.end(), *dn) != dns.end();
  });
}

Result<std::vector<Dn>> parse_dns(const std::vector<std::string>& texts) {
  std::vector<Dn> dns;
  for (const std::string& text : texts) {
    Result<Dn> dn = Dn::parse(text);
    if (!dn) return fail(Errc::unavailable, std::move(dn.error().detail));
    dns.push_back(std::move(*dn));
  }
  return dns;
}

// Returns what is left of the entry. The parsed values are not wiped: the text that they come from
// stays in memory as long as we do.
Entry take_secrets(const Entry& entry, const std::vector<std::string>& attributes,
                   std::vector<Secret>& secrets) {
  for (const std::string& attribute : attributes) {
    const Values* values = entry.find(attribute);
    if (values == nullptr) continue;
    for (const std::string& value : *values) secrets.push_back(Secret::copy_of(value));
  }
  return Entry(entry.dn());
}

}  // namespace

bool is_same_entry(const Route& a, const Route& b) {
  if (a.dn.empty() || b.dn.empty()) return false;
  const Result<Dn> first = Dn::parse(a.dn);
  const Result<Dn> second = Dn::parse(b.dn);
  return first && second && *first == *second;
}

std::string Directory::canonical_name(const std::string& typed) const {
  const Result<LoginName> name = parse_login_name(typed, rules_);
  return name ? name->canonical : typed;
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
  Result<Route> route = route_of(*name, *entry, steps);
  if (!route) co_return ended(steps, route.error());
  if (query.wants_dn) route->dn = entry->dn();
  co_return std::move(*route);
}

Result<Route> Directory::route_of(const LoginName& name, const Entry& entry, Steps* steps) const {
  Result<std::vector<HostPort>> hosts = hosts_of(entry, mail_host_attributes_, steps);
  if (!hosts) return fail(std::move(hosts.error()));
  Result<std::string> replay = replay_format_.fill(name, entry);
  if (!replay) return fail(std::move(replay.error()));
  note(steps, "replay name", *replay);
  return Route(std::move(*hosts), std::move(*replay), name.canonical);
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
  entry->keep_only(route_attributes_);
  cache_.insert(filter, *entry, loop_.now());
  return Found(std::move(*entry), source_name_);
}

Task<std::vector<Secret>> Directory::find_passwords(Query query) {
  Result<SearchRequest> request = request_for(query, password_attributes_);
  if (!request) co_return fail(request.error());
  request->is_secret = true;
  SearchAnswer answer = co_await ask(*request);
  const Result<Entry> entry = exactly_one(std::move(answer.entries), request->filter);
  if (!entry) co_return fail(entry.error());
  co_return std::move(answer.secrets);
}

Task<Route> Directory::find_by_certificate(CertificateQuery query, Steps* steps) {
  note(steps, "subject", query.subject);
  note(steps, "issuer", query.issuer);
  const Result<CertLookup> lookup = look_up(query);
  if (!lookup) co_return ended(steps, lookup.error());
  const SearchRequest request = request_for(*lookup);
  note(steps, "base", request.base);
  note(steps, "filter", request.filter);
  Result<SearchAnswer> answer = co_await attempt(ask(request));
  if (!answer) co_return ended(steps, answer.error());
  note(steps, "answer from", answer->source);
  const std::string what = fmt::format("{} below '{}'", request.filter, request.base);
  const Result<Entry> entry = exactly_one(std::move(answer->entries), what);
  if (!entry) co_return ended(steps, entry.error());
  note(steps, "entry", entry->dn());
  if (lookup->verify_cert && !holds_certificate(*entry, query.der)) {
    const Error error(
        Errc::refused,
        fmt::format("entry '{}' does not hold the client's certificate", entry->dn()));
    co_return ended(steps, error);
  }
  Result<Route> route = route_of_owner(*entry, steps);
  if (!route) co_return ended(steps, route.error());
  co_return std::move(*route);
}

Result<CertLookup> Directory::look_up(const CertificateQuery& query) const {
  if (!cert_map_) {
    return fail(Errc::refused, "no CertMapFile says whose the client's certificate is");
  }
  if (has_control_character(query.subject)) {
    return fail(Errc::refused, "the client's certificate: its subject has a control character");
  }
  return cert_map_->apply(query.subject, query.issuer);
}

SearchRequest Directory::request_for(const CertLookup& lookup) const {
  SearchRequest request(lookup.base, lookup.filter, route_attributes_);
  // A base that the certificate's subject has named is no more than its word.
  request.base_may_be_missing = !lookup.base.empty();
  if (lookup.base.empty()) request.base = cert_base_;
  if (lookup.base_only) request.scope = Scope::base;
  for (const std::string_view name : name_attributes) request.attributes.emplace_back(name);
  if (!lookup.verify_cert) return request;
  for (const std::string_view name : certificate_attributes) request.attributes.emplace_back(name);
  return request;
}

// Of the user whose entry a certificate has led to.
Result<Route> Directory::route_of_owner(const Entry& entry, Steps* steps) const {
  const Result<std::string> login = login_name_of(entry);
  if (!login) return fail(login.error());
  const Result<LoginName> name = parse_login_name(*login, rules_);
  if (!name) {
    return fail(name.error().code, fmt::format("entry '{}': {}", entry.dn(), name.error().detail));
  }
  note(steps, "canonical name", name->canonical);
  Result<Route> route = route_of(*name, entry, steps);
  if (route) route->dn = entry.dn();
  return route;
}

Task<bool> Directory::is_member(Query who, const config::Words& groups) {
  const Result<std::vector<Dn>> group_dns = parse_dns(groups);
  if (!group_dns) co_return fail(group_dns.error());
  const config::Words wanted = {"memberOf"};
  const Result<SearchRequest> request = request_for(who, wanted);
  if (!request) co_return fail(request.error());
  SearchAnswer answer = co_await ask(*request);
  const Result<Entry> entry = exactly_one(std::move(answer.entries), request->filter);
  if (!entry) co_return fail(entry.error());
  if (names_one_of(*entry, wanted.front(), *group_dns)) co_return true;
  const Result<std::vector<Dn>> dn = parse_dns({entry->dn()});
  if (!dn) co_return fail(dn.error());
  for (const std::string& group : groups) {
    const bool found = co_await has_member(group, *dn);
    if (found) co_return true;
  }
  co_return false;
}

Task<bool> Directory::has_member(const std::string& group, const std::vector<Dn>& member) {
  const config::Words wanted(std::begin(member_attributes), std::end(member_attributes));
  SearchRequest request(group, "(objectClass=*)", wanted);
  request.scope = Scope::base;
  request.base_may_be_missing = true;
  const SearchAnswer answer = co_await ask(request);
  if (answer.entries.empty()) co_return false;
  for (const std::string& attribute : wanted) {
    if (names_one_of(answer.entries.front(), attribute, member)) co_return true;
  }
  co_return false;
}

// The search for the one entry that a login name leads to, answered with other attributes.
Result<SearchRequest> Directory::request_for(const Query& query,
                                             const config::Words& attributes) const {
  const Result<LoginName> name = parse_login_name(query.user, rules_);
  if (!name) return fail(name.error());
  return SearchRequest(base_text_, search_format_.fill(*name, query.client_ip, query.local_ip),
                       attributes);
}

Task<SearchAnswer> Directory::ask(SearchRequest request) {
  auto* embedded = std::get_if<EmbeddedDirectory>(&source_);
  if (embedded != nullptr) co_return ask_ldif(*embedded, request);
  co_return co_await std::get<LdapDirectory>(source_).search(std::move(request));
}

Result<SearchAnswer> Directory::ask_ldif(EmbeddedDirectory& embedded,
                                         const SearchRequest& request) const {
  SearchAnswer answer;
  answer.source = source_name_;
  const Result<Dn> base = Dn::parse(request.base);
  if (!base && request.base_may_be_missing) return answer;
  if (!base) return fail(Errc::unavailable, base.error().detail);
  const Result<Filter> filter = parse_filter(request.filter);
  if (!filter) return fail(Errc::unavailable, filter.error().detail);
  answer.entries = embedded.search(*base, *filter, 2, request.scope);
  for (Entry& entry : answer.entries) {
    entry.keep_only(request.attributes);
    if (request.is_secret) entry = take_secrets(entry, request.attributes, answer.secrets);
  }
  return answer;
}

}  // namespace openmmp::directory
