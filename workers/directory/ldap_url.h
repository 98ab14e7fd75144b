// The LdapUrl option: where the directory is. Pure.
//
//   ldif:users.ldif   ldif:users.ldif?ou=people,o=example      an embedded directory
//   ldap://h1 h2:390/o=internet                                several hosts in one URL
//   ldap://h1/o=internet ldaps://h2/o=internet                 several URLs, the same base
#pragma once

#include <string>
#include <vector>

#include "ipc/runtime/result.h"

namespace openmmp::directory {

struct LdapUrl {
  std::string ldif_file;             // not empty: an embedded directory
  std::vector<std::string> servers;  // otherwise "ldap://host:port", to be tried in this order
  std::string base;                  // a DN, without percent-encoding; may be empty
  bool is_embedded() const { return !ldif_file.empty(); }
};

// `words` is the value, cut at its blanks. Errc::protocol says what would be accepted.
Result<LdapUrl> parse_ldap_url(const std::vector<std::string>& words);

}  // namespace openmmp::directory
