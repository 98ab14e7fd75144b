// A certificate's subject, its issuer, and behind these two lines a certmap.conf.
#include "tests/fuzz/fuzz.h"
#include "workers/directory/certmap.h"
#include "workers/directory/filter.h"

namespace openmmp::fuzz {
namespace {

using namespace directory;

size_t equality_count(const Filter& filter) {
  if (filter.kind != Filter::Kind::all) return filter.kind == Filter::Kind::equal ? 1 : 0;
  size_t count = 0;
  for (const Filter& part : filter.parts) count += equality_count(part);
  return count;
}

// Whatever the subject holds, it comes out as values and changes nothing else.
void check_lookup(const CertLookup& lookup) {
  CHECK(is_one_line(lookup.filter) && is_one_line(lookup.base));
  const auto base = Dn::parse(lookup.base);
  CHECK(base || base.error().code == Errc::limit);
  const auto filter = parse_filter(lookup.filter);
  if (!filter) {
    CHECK(filter.error().code == Errc::limit);
    return;
  }
  const bool whole = filter->kind == Filter::Kind::all;
  const bool any_entry =
      filter->kind == Filter::Kind::present && filter->attribute == "objectclass";
  CHECK(any_entry || equality_count(*filter) == (whole ? filter->parts.size() : 1));
  CHECK(!any_entry || (lookup.base_only && !lookup.base.empty()));
}

}  // namespace

void check_input(std::string_view input) {
  const Exact subject = take_line(input);
  const Exact issuer = take_line(input);
  const Exact text(input);
  const ParsedCertMap parsed = parse_certmap(text.view());
  for (const auto* faults : {&parsed.errors, &parsed.warnings}) {
    for (const config::CfgFault& fault : *faults) CHECK(is_one_line(fault.text));
  }
  if (!parsed.errors.empty()) return;
  const auto lookup = parsed.map.apply(subject.view(), issuer.view());
  if (!lookup) {
    CHECK(lookup.error().code == Errc::refused && is_one_line(lookup.error().detail));
    return;
  }
  check_lookup(*lookup);
}

}  // namespace openmmp::fuzz
