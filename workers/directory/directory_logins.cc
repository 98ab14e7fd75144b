// What only some logins ask: passwords that are checked here, the owner of a certificate, the
// members of a group.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "workers/directory/directory.h"
#include "workers/directory/steps.h"

namespace openmmp::directory {

namespace {

// RFC 4523 wants the first name; files and some servers have the second.
constexpr std::string_view certificate_attributes[] = {"userCertificate;binary", "userCertificate"};
constexpr std::string_view mail_attribute = "mail";
constexpr std::string_view member_attributes[] = {"member", "uniqueMember"};

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

}  // namespace

// The search for the one entry that a login name leads to, answered with other attributes.
Task<SearchRequest> Directory::search_for(Query query, config::Words attributes) {
  const LoginName name = co_await parse_login_name(query.user, rules_);
  const Domain* domain = cached_domain(name);
  std::optional<Domain> kept;
  if (domain == nullptr && is_hosted(name)) {
    domain = &kept.emplace(co_await domains_->fetch(name.domain));
  }
  co_return SearchRequest(base_for(domain), filter_for(name, domain, query), std::move(attributes));
}

Task<> Directory::check_password(Query query, Secret password, Steps* steps) {
  // To a server a bind without a password is one that anybody may do.
  if (password.empty()) co_await fail(Errc::refused, "the password is empty");
  query.wants_dn = true;
  Route route = co_await find_route(std::move(query), steps);
  co_await passwords_.check(std::move(route.dn), std::move(route.user), std::move(password), steps);
}

Task<std::vector<Secret>> Directory::find_passwords(Query query) {
  SearchRequest request = co_await search_for(std::move(query), password_attributes_);
  request.is_secret = true;
  SearchAnswer answer = co_await source_.search(request);
  const Result<Entry> entry = exactly_one(std::move(answer.entries), request.filter);
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
  Result<SearchAnswer> answer = co_await attempt(source_.search(request));
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
  request.attributes.push_back(uid_attribute_);
  request.attributes.emplace_back(mail_attribute);
  if (!lookup.verify_cert) return request;
  for (const std::string_view name : certificate_attributes) request.attributes.emplace_back(name);
  return request;
}

// The name under which the entry's user would have logged in with a password.
Result<std::string> Directory::login_name_of(const Entry& entry) const {
  const Values* uid = entry.find(uid_attribute_);
  const Values* mail = entry.find(mail_attribute);
  if (uid == nullptr && mail == nullptr) {
    return fail(Errc::refused, fmt::format("entry '{}' has neither {} nor {}", entry.dn(),
                                           uid_attribute_, mail_attribute));
  }
  if (uid == nullptr) return mail->front();
  // A uid of its own is a name in the default domain: which domain it is of, the address tells.
  const size_t at = mail == nullptr ? std::string::npos : mail->front().rfind('@');
  if (!domains_ || at == std::string::npos) return uid->front();
  return uid->front() + rules_.canonical_delimiter + mail->front().substr(at + 1);
}

// Of the user whose entry a certificate has led to.
Result<Route> Directory::route_of_owner(const Entry& entry, Steps* steps) const {
  const Result<std::string> login = login_name_of(entry);
  if (!login) return fail(login.error());
  const Result<LoginName> name = parse_login_name(*login, rules_);
  if (!name) {
    return fail(name.error().code, fmt::format("entry '{}': {}", entry.dn(), name.error().detail));
  }
  Result<Route> route = route_of(*name, nullptr, entry, steps);
  if (route) route->dn = entry.dn();
  return route;
}

Task<bool> Directory::is_member(Query who, const config::Words& groups) {
  const Result<std::vector<Dn>> group_dns = parse_dns(groups);
  if (!group_dns) co_return fail(group_dns.error());
  const config::Words wanted = {"memberOf"};
  const SearchRequest request = co_await search_for(std::move(who), wanted);
  SearchAnswer answer = co_await source_.search(request);
  const Result<Entry> entry = exactly_one(std::move(answer.entries), request.filter);
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
  const SearchAnswer answer = co_await source_.search(request);
  if (answer.entries.empty()) co_return false;
  for (const std::string& attribute : wanted) {
    if (names_one_of(answer.entries.front(), attribute, member)) co_return true;
  }
  co_return false;
}

}  // namespace openmmp::directory
