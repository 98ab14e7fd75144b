// A site with hosted domains: the DC tree of schema 1, the organizations of schema 2, aliases, and
// each status of domains and users; asked as LDAP and as LDIF.
#pragma once

#include <string>

#include "tests/unit/directory/twin_fixture.h"

namespace openmmp::directory {

constexpr const char* hosted_statuses[] = {"active",  "overquota",    "hold",     "inactive",
                                           "defer",   "defer-submit", "disabled", "deleted",
                                           "removed", "nonsense"};

// All that a route says.
std::string text_of(const Result<Route>& route);

class HostedTest : public TwinTest {
 protected:
  static void SetUpTestSuite() { start_slapd(ldif()); }
  static std::string ldif();
  static std::string url_of(bool is_ldap) { return is_ldap ? ldap_url() : ldif_url; }

  void use(const char* schema);
  Result<Route> route(const std::string& name, Steps* steps = nullptr);
  std::string find(const std::string& name);
};

}  // namespace openmmp::directory
