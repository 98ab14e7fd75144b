// A domain's name in the first line, then its entry as LDIF: whatever the name is, the search is
// for one domain; whatever the entry says, what is taken from it can be used.
#include "tests/fuzz/fuzz.h"
#include "workers/directory/dn.h"
#include "workers/directory/domain.h"
#include "workers/directory/ldif.h"

namespace openmmp::fuzz {
namespace {

using namespace directory;

DomainRules rules_of(Schema schema) {
  DomainRules rules;
  rules.schema = schema;
  rules.root = "o=internet";
  rules.name1 = "sunPreferredDomain";
  rules.name2 = "associatedDomain";
  rules.alias = "aliasedObjectName";
  rules.canonical_name = "inetCanonicalDomainName";
  rules.base = "inetDomainBaseDN";
  rules.search_filter = "inetDomainSearchFilter";
  rules.uid_separator = "domainUidSeparator";
  rules.status = "inetDomainStatus";
  rules.mail_status = "mailDomainStatus";
  rules.canonical_delimiter = "@";
  return rules;
}

void check_search(const std::string& domain, const DomainRules& rules) {
  const auto request = domain_search(domain, rules);
  if (!request) {
    CHECK(request.error().code == Errc::refused && rules.schema == Schema::one);
    return;
  }
  const auto filter = parse_filter(request->filter);
  CHECK(filter.has_value());
  if (rules.schema != Schema::one) {
    CHECK(filter->kind == Filter::Kind::any && filter->parts.size() == 2);
    for (const Filter& part : filter->parts) CHECK(part.kind == Filter::Kind::equal);
    return;
  }
  const auto base = parse_rdns(request->base);
  CHECK(base.has_value() && base->back().front().type == "o");
  const auto labels = static_cast<size_t>(std::count(domain.begin(), domain.end(), '.')) + 1;
  CHECK(base->size() == labels + 1);
}

void check_entry(const Entry& entry, const std::string& asked, const DomainRules& rules) {
  const auto target = alias_target(entry, rules);
  CHECK(!target || Dn::parse(*target));
  const auto domain = read_domain(entry, asked, rules);
  if (!domain) {
    CHECK(domain.error().code == Errc::unavailable);
    return;
  }
  CHECK(Dn::parse(domain->base) || domain->base == entry.dn());
  CHECK(is_one_line(domain->name) && is_one_line(domain->judgement.text()));
  CHECK(domain->judgement.text().empty() == (domain->judgement.standing() == Standing::active));
  const auto name = parse_login_name("joe@" + asked, {});
  if (!name || !domain->search_filter) return;
  const std::string filled = domain->search_filter->fill(*name, "", "", "");
  const auto filter = parse_filter(filled);
  CHECK(filter || filter.error().code == Errc::limit);
}

}  // namespace

void check_input(std::string_view input) {
  const Exact line = take_line(input);
  const auto name = parse_login_name("joe@" + std::string(line.view()), {});
  if (!name) return;
  const Exact text(input);
  LdifReader reader(text.view());
  const auto entry = reader.next();
  for (const Schema schema : {Schema::one, Schema::one_and_a_half, Schema::two}) {
    const DomainRules rules = rules_of(schema);
    check_search(name->domain, rules);
    if (entry && *entry) check_entry(**entry, name->domain, rules);
  }
}

}  // namespace openmmp::fuzz
