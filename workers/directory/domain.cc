#include "workers/directory/domain.h"

#include <fmt/format.h>

#include <algorithm>

#include "ipc/runtime/text.h"
#include "workers/directory/dn.h"
#include "workers/directory/text.h"

namespace openmmp::directory {

namespace {

constexpr const char* access_attribute = "mailDomainAllowedServiceAccess";
constexpr const char* replay_attribute = "mailAccessProxyReplay";
constexpr const char* pre_auth_attribute = "mailAccessProxyPreAuth";
constexpr const char* alias_class = "inetDomainAlias";
constexpr size_t max_name = 255;

Failure wrong(const Entry& entry, std::string_view attribute, std::string_view what) {
  return fail(Errc::unavailable, fmt::format("entry '{}': {}: {}", entry.dn(), attribute, what));
}

std::string first_of(const Entry& entry, std::string_view attribute) {
  const Values* values = entry.find(attribute);
  return values == nullptr ? std::string() : values->front();
}

// RFC 2247: a component for each label. Nothing for a name with an empty label.
std::optional<std::string> dc_dn(const std::string& domain, const std::string& root) {
  std::vector<Rdn> rdns;
  for (size_t start = 0; start <= domain.size();) {
    const size_t end = std::min(domain.find('.', start), domain.size());
    if (end == start) return std::nullopt;
    rdns.push_back({DnPart("dc", domain.substr(start, end - start))});
    start = end + 1;
  }
  const std::string dn = dn_text(rdns);
  return root.empty() ? dn : dn + "," + root;
}

// The name whose DN this is below the root; empty when it is made of anything but dc.
std::string name_of_dc(const std::string& dn, const std::string& root) {
  const Result<std::vector<Rdn>> rdns = parse_rdns(dn);
  const Result<std::vector<Rdn>> below = parse_rdns(root);
  if (!rdns || !below || rdns->size() <= below->size()) return {};
  std::string name;
  for (size_t i = 0; i < rdns->size() - below->size(); ++i) {
    const Rdn& rdn = (*rdns)[i];
    if (rdn.size() != 1 || rdn.front().type != "dc") return {};
    if (!name.empty()) name += '.';
    name += rdn.front().value;
  }
  return name;
}

bool is_of_class(const Entry& entry, std::string_view name) {
  const Values* classes = entry.find("objectClass");
  return classes != nullptr &&
         std::any_of(classes->begin(), classes->end(), [name](const std::string& value) {
           return equals_ignoring_case(value, name);
         });
}

// Users are named by it in logs and tables, whatever name of the domain they typed.
Result<std::string> canonical_name(const Entry& entry, const std::string& asked,
                                   const DomainRules& rules) {
  std::string attribute = rules.canonical_name;
  std::string name = first_of(entry, attribute);
  if (name.empty() && rules.schema != Schema::one) {
    attribute = rules.name1;
    name = first_of(entry, attribute);
  }
  if (name.empty() && rules.schema != Schema::two) name = name_of_dc(entry.dn(), rules.root);
  if (name.empty()) return asked;
  const bool odd = std::any_of(name.begin(), name.end(), is_control);
  if (odd || !is_utf8(name) || name.size() > max_name) {
    return wrong(entry, attribute, "is no name for a domain");
  }
  return lower_case(name);
}

Result<> read_base(const Entry& entry, const DomainRules& rules, Domain& domain) {
  domain.base = first_of(entry, rules.base);
  if (domain.base.empty()) domain.base = domain.dn;
  const Result<Dn> dn = Dn::parse(domain.base);
  if (!dn) return wrong(entry, rules.base, dn.error().detail);
  return {};
}

Result<> read_formats(const Entry& entry, const DomainRules& rules, Domain& domain) {
  if (const std::string text = first_of(entry, rules.search_filter); !text.empty()) {
    Result<FilterFormat> format = FilterFormat::parse(text);
    if (!format) return wrong(entry, rules.search_filter, format.error().detail);
    domain.search_filter = std::move(*format);
  }
  if (const std::string text = first_of(entry, replay_attribute); !text.empty()) {
    Result<ReplayFormat> format =
        ReplayFormat::parse(text, rules.canonical_delimiter, replay_attribute);
    if (!format) return wrong(entry, replay_attribute, format.error().detail);
    domain.replay = std::move(*format);
  }
  return {};
}

// All that makes one search differ from another, but for the filter.
std::string users_key(const Domain& domain) {
  constexpr char separator = '\0';
  std::string key = separator + domain.dn + separator + domain.base;
  if (!domain.replay) return key;
  for (const std::string& name : domain.replay->attributes()) key += separator + name;
  return key;
}

std::optional<bool> yes_or_no(std::string_view text) {
  if (equals_ignoring_case(text, "yes")) return true;
  if (equals_ignoring_case(text, "no")) return false;
  return std::nullopt;
}

}  // namespace

std::vector<std::string> DomainRules::attributes() const {
  std::vector<std::string> names = {"objectClass",    canonical_name,   base,
                                    search_filter,    status,           mail_status,
                                    access_attribute, replay_attribute, pre_auth_attribute};
  if (schema != Schema::one) names.push_back(name1);
  if (schema != Schema::two) names.insert(names.end(), {alias, uid_separator});
  return names;
}

Result<SearchRequest> domain_search(const std::string& domain, const DomainRules& rules) {
  if (rules.schema == Schema::one) {
    const std::optional<std::string> dn = dc_dn(domain, rules.root);
    if (!dn) return fail(Errc::refused, "a domain name with an empty label");
    const std::string filter = rules.filter1.empty() ? "(objectClass=*)" : rules.filter1;
    SearchRequest request(*dn, filter, rules.attributes());
    request.scope = Scope::base;
    request.base_may_be_missing = true;
    return request;
  }
  std::string filter =
      fmt::format("(|({0}={2})({1}={2}))", rules.name1, rules.name2, filter_escaped(domain));
  if (!rules.filter2.empty()) {
    const bool bare = !rules.filter2.starts_with('(');
    filter = fmt::format("(&{}{}{}{})", filter, bare ? "(" : "", rules.filter2, bare ? ")" : "");
  }
  return SearchRequest(rules.root, std::move(filter), rules.attributes());
}

Result<std::string> alias_target(const Entry& entry, const DomainRules& rules) {
  if (rules.schema == Schema::two || !is_of_class(entry, alias_class)) return std::string();
  std::string target = first_of(entry, rules.alias);
  if (target.empty()) return wrong(entry, rules.alias, "is missing in an alias");
  const Result<Dn> dn = Dn::parse(target);
  if (!dn) return wrong(entry, rules.alias, dn.error().detail);
  return target;
}

Result<Domain> read_domain(const Entry& entry, const std::string& asked, const DomainRules& rules) {
  Result<std::string> name = canonical_name(entry, asked, rules);
  if (!name) return fail(std::move(name.error()));
  Domain domain;
  domain.name = std::move(*name);
  domain.dn = entry.dn();
  if (const Result<> read = read_base(entry, rules, domain); !read) return fail(read.error());
  if (const Result<> read = read_formats(entry, rules, domain); !read) return fail(read.error());
  if (rules.schema != Schema::two) domain.uid_separator = first_of(entry, rules.uid_separator);
  domain.access_filter = joined_filters(entry.find(access_attribute));
  domain.pre_auth = yes_or_no(first_of(entry, pre_auth_attribute));
  domain.judgement.add(StatusOf::domain, domain.name, entry, rules.status);
  domain.judgement.add(StatusOf::domain, domain.name, entry, rules.mail_status);
  domain.users_key = users_key(domain);
  return domain;
}

std::string joined_filters(const Values* values) {
  return values == nullptr ? std::string() : fmt::format("{}", fmt::join(*values, "$"));
}

}  // namespace openmmp::directory
