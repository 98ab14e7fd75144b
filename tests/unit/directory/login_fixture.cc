#include "tests/unit/directory/login_fixture.h"

#include <fmt/format.h>

#include <algorithm>

#include "workers/directory/ldif.h"

namespace openmmp::directory {

namespace {

// Of CN=1, in DER.
const char* const certificate =
    "MIIBbzCCARWgAwIBAgIUdqrsfo5if/VF23hDJp25DF0TZPswCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBMTAg"
    "Fw0yNjExMjIwMzE3NThaGA8yMTI2MTAyOTAzMTc1OFowDDEKMAgGA1UEAwwBMTBZMBMGByqGSM49AgEGCCqG"
    "SM49AwEHA0IABHrXNfoq2M+21+A/48CLFP3OSg2WMojpDuWoTgLC4XdDsNwWultCCXZfNPzFUbWxqkvm1ac9"
    "CQ72Q0naYk7FSWKjUzBRMB0GA1UdDgQWBBT9+F+JsfnRB0V25CGr/9Du4/PELTAfBgNVHSMEGDAWgBT9+F+J"
    "sfnRB0V25CGr/9Du4/PELTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCyzXOmY4W4T8fO"
    "AJWN+lAIjJ+SNSD1yqb2F8dscULVmgIgIj1L1VWJhrQz53jZajQbzUHYkiTUhPz7ezmV/nzfbxM=";

// {0}: the certificate.
const char* const template_of_entries = R"(dn: o=example
objectClass: organization
o: example

dn: ou=people,o=example
objectClass: organizationalUnit
ou: people

dn: ou=others,o=example
objectClass: organizationalUnit
ou: others

dn: cn=joe,ou=people,o=example
objectClass: inetOrgPerson
objectClass: mailUser
cn: joe
sn: x
uid: joe
mail: joe@x.org
description: cn=Joe,o=Elsewhere
mailHost: store1
userPassword: joes-first-secret
userPassword: {{SCRAM-SHA-256}}joes-second-secret
userCertificate;binary:: {0}
memberOf: cn=vanished,o=example

dn: cn=jim,ou=others,o=example
objectClass: inetOrgPerson
objectClass: mailUser
cn: jim
sn: x
uid: jim
mail: jim@x.org
mailHost: store2:1143

dn: cn=twin,ou=people,o=example
objectClass: inetOrgPerson
objectClass: mailUser
cn: twin
sn: x
uid: twin
mail: twin@x.org
mailHost: store1
userPassword: twins-secret

dn: cn=twin,ou=others,o=example
objectClass: inetOrgPerson
objectClass: mailUser
cn: twin
sn: x
uid: twin
mail: twin@x.org
mailHost: store2
userPassword: twins-secret

dn: cn=ann,ou=people,o=example
objectClass: inetOrgPerson
objectClass: mailUser
cn: ann
sn: x
mail: ann@x.org
mailHost: store1

dn: cn=nameless,ou=people,o=example
objectClass: inetOrgPerson
objectClass: mailUser
cn: nameless
sn: x
mailHost: store1

dn: cn=homeless,ou=people,o=example
objectClass: inetOrgPerson
cn: homeless
sn: x
uid: homeless
mail: homeless@x.org
userPassword: homeless-secret

dn: cn=odd,ou=people,o=example
objectClass: inetOrgPerson
objectClass: mailUser
cn: odd
sn: x
uid:: b2RkCg==
mailHost: store1

dn: cn=admins,o=example
objectClass: groupOfNames
cn: admins
member: CN=Joe, OU=People,o=example
member: cn=nobody,o=example

dn: cn=helpers,o=example
objectClass: groupOfUniqueNames
cn: helpers
uniqueMember: cn=jim,ou=others,o=example
)";

}  // namespace

std::string joes_certificate() { return *decode_base64(certificate); }

std::string LoginTest::ldif() {
  return fmt::format(fmt::runtime(template_of_entries), certificate);
}

LoginTest::LoginTest() {
  never_logged = "secret";
  settings.cert_map_file = "certmap.conf";
  settings.hosted_domains = false;
}

std::string LoginTest::text_of(const Result<Route>& route) {
  if (!route) return text_of(route.error());
  std::string hosts;
  for (const HostPort& host : route->hosts) hosts += host.to_string() + " ";
  return fmt::format("{}as {} ({}) {}", hosts, route->replay_name, route->user, route->dn);
}

Result<Route> LoginTest::route(const std::string& name, bool wants_dn) {
  Query query(name);
  query.wants_dn = wants_dn;
  Task<Route> task = directory->find_route(std::move(query), nullptr);
  return finish(task);
}

Result<Route> LoginTest::by_certificate(const std::string& subject, Steps* steps,
                                        const std::string& der) {
  CertificateQuery query(subject, "CN=An authority", der);
  Task<Route> task = directory->find_by_certificate(std::move(query), steps);
  return finish(task);
}

std::string LoginTest::passwords(const std::string& name) {
  Task<std::vector<Secret>> task = directory->find_passwords(Query(name));
  const Result<std::vector<Secret>>& found = finish(task);
  if (!found) return text_of(found.error());
  std::vector<std::string> texts;
  for (const Secret& secret : *found) texts.emplace_back(secret.reveal());
  std::sort(texts.begin(), texts.end());
  return fmt::format("{}", fmt::join(texts, " "));
}

std::string LoginTest::membership(const std::string& name, const config::Words& groups) {
  Task<bool> task = directory->is_member(Query(name), groups);
  const Result<bool>& found = finish(task);
  if (!found) return text_of(found.error());
  return *found ? "member" : "stranger";
}

}  // namespace openmmp::directory
