// People with passwords, certificates and groups; asked as LDAP and as LDIF.
#pragma once

#include <string>

#include "tests/unit/directory/twin_fixture.h"

namespace openmmp::directory {

// Joe's, in DER.
std::string joes_certificate();

class LoginTest : public TwinTest {
 protected:
  static void SetUpTestSuite() { start_slapd(ldif()); }
  static std::string ldif();

  LoginTest();

  static std::string text_of(const Error& error) { return directory::text_of(error); }
  static std::string text_of(const Result<Route>& route);
  Result<Route> route(const std::string& name, bool wants_dn = true);
  Result<Route> by_certificate(const std::string& subject, Steps* steps = nullptr,
                               const std::string& der = joes_certificate());
  std::string passwords(const std::string& name);
  std::string membership(const std::string& name, const config::Words& groups);
};

}  // namespace openmmp::directory
