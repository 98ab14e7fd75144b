// Hosted domains: where the entry of a domain is looked for, by the schema of the site, and what it
// says. Pure.
//
//   schema 1     example.com is dc=example,dc=com below the root, or an alias of another such entry
//   schema 2     the one entry below the root that has example.com among its names
//   schema 1.5   found as in 2, read as in 1
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/directory/entry.h"
#include "workers/directory/format.h"
#include "workers/directory/standing.h"

namespace openmmp::directory {

enum class Schema { one, one_and_a_half, two };

struct DomainRules {
  // What a domain's entry is asked for.
  std::vector<std::string> attributes() const;

  Schema schema = Schema::two;
  std::string root;          // a DN
  std::string filter1;       // of schema 1; empty: any entry
  std::string filter2;       // of the others
  std::string name1, name2;  // attributes with a domain's names, of schema 2 and 1.5
  std::string alias;         // attributes, as the following
  std::string canonical_name;
  std::string base;
  std::string search_filter;
  std::string uid_separator;
  std::string status;
  std::string mail_status;
  std::string canonical_delimiter;  // a character, for names that are replayed
};

// The search for the entry of a domain. Errc::refused: nobody can have such a domain.
Result<SearchRequest> domain_search(const std::string& domain, const DomainRules& rules);

// The DN that the entry is an alias of; empty: it is none. Errc::unavailable: the entry is wrong.
Result<std::string> alias_target(const Entry& entry, const DomainRules& rules);

// What is known of a domain, once for all its users.
struct Domain {
  std::string name;                           // canonical
  std::string dn;                             // of its entry
  std::string base;                           // of its users
  std::optional<FilterFormat> search_filter;  // of its users; none: the options' one
  std::optional<ReplayFormat> replay;         // none: the options' one
  std::string uid_separator;                  // uids here are user, this and the domain
  std::string access_filter;
  std::optional<bool> pre_auth;  // none: the options say
  Judgement judgement;
  std::string users_key;  // behind a filter: sets its users apart from others' in a cache
  std::string source;     // the server or file it came from
};

// `asked` is the name that led to the entry. Errc::unavailable: the entry is wrong; `detail` says
// what it is that cannot be used.
Result<Domain> read_domain(const Entry& entry, const std::string& asked, const DomainRules& rules);

// All values, as one access filter.
std::string joined_filters(const Values* values);

}  // namespace openmmp::directory
