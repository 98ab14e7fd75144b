#include "tests/unit/directory/hosted_fixture.h"

#include <fmt/format.h>

namespace openmmp::directory {

namespace {

// `more` may begin with further classes: slapadd wants them beside the others.
std::string container(const char* kind, const std::string& name, const std::string& above,
                      const std::string& more = "") {
  const char* const object_class = *kind == 'd' ? "domain" : "organization";
  return fmt::format(
      "dn: {0}={1},{2}\nobjectClass: {3}\nobjectClass: extensibleObject\n{4}{0}: {1}\n\n", kind,
      name, above, object_class, more);
}
std::string organization(const std::string& name, const std::string& more) {
  return container("o", name, "ou=orgs,o=example", more);
}
// "NAME.com" of the DC tree.
std::string dc(const std::string& name, const std::string& more) {
  return container("dc", name, "dc=com,ou=dc,o=example", more);
}
std::string hosted(const std::string& name, const std::string& more) {
  return dc(name, "objectClass: inetDomain\n" + more);
}
std::string alias(const std::string& name, const std::string& target) {
  return fmt::format(
      "dn: dc={0},dc=com,ou=dc,o=example\nobjectClass: alias\nobjectClass: inetDomainAlias\n"
      "objectClass: extensibleObject\ndc: {0}\nsunPreferredDomain: {0}.com\n"
      "aliasedObjectName: {1}\n\n",
      name, target);
}
std::string person(const std::string& uid, const std::string& above, const std::string& more) {
  return fmt::format(
      "dn: uid={0},{1}\nobjectClass: inetOrgPerson\nobjectClass: extensibleObject\n"
      "uid: {0}\ncn: {0}\nsn: x\n{2}\n",
      uid, above, more);
}

constexpr const char* one = "o=one,ou=orgs,o=example";
constexpr const char* two = "o=two,ou=orgs,o=example";
constexpr const char* base_one = "inetDomainBaseDN: o=one,ou=orgs,o=example\n";

std::string organizations() {
  return organization("one",
                      "sunPreferredDomain: one.com\nassociatedDomain: uno.com\n"
                      "associatedDomain: eins.com\n") +
         organization("two",
                      "sunPreferredDomain: two.com\ninetCanonicalDomainName: zwei.com\n"
                      "inetDomainSearchFilter: (mail=%U@two.com)\n"
                      "mailAccessProxyReplay: %[cn]+%V\nmailAccessProxyPreAuth: yes\n"
                      "mailDomainAllowedServiceAccess: +imap,imaps:*\n"
                      "mailDomainAllowedServiceAccess: -ALL:10.\n") +
         organization("else", "sunPreferredDomain: else.com\nmailAccessProxyPreAuth: no\n" +
                                  std::string(base_one)) +
         organization("twice", "sunPreferredDomain: twice.com\n") +
         organization("again", "associatedDomain: twice.com\n") +
         organization("filter",
                      "sunPreferredDomain: filter.com\ninetDomainSearchFilter: (uid=%U\n") +
         organization("wrong", "sunPreferredDomain: wrong.com\ninetDomainBaseDN: nonsense\n") +
         organization("gone",
                      "sunPreferredDomain: gone.com\ninetDomainBaseDN: o=gone,o=example\n") +
         organization("away",
                      "sunPreferredDomain: away.com\ninetDomainBaseDN: ou=away,o=example\n");
}

std::string dc_tree() {
  return container("dc", "com", "ou=dc,o=example") +
         hosted("one", "sunPreferredDomain: one.com\n" + std::string(base_one)) +
         hosted("sep",
                "sunPreferredDomain: sep.com\ndomainUidSeparator: _\n" + std::string(base_one)) +
         hosted("own", "sunPreferredDomain: own.com\n") + dc("plain", "") +
         person("joe", "dc=own,dc=com,ou=dc,o=example", "mailHost: store5\n") +
         alias("uno", "dc=one, dc=com, ou=dc, o=example") +
         alias("loop", "dc=pool,dc=com,ou=dc,o=example") +
         alias("pool", "dc=loop,dc=com,ou=dc,o=example") +
         alias("lost", "dc=nowhere,dc=com,ou=dc,o=example") +
         alias("five", "dc=four,dc=com,ou=dc,o=example") +
         alias("four", "dc=three,dc=com,ou=dc,o=example") +
         alias("three", "dc=deux,dc=com,ou=dc,o=example") +
         alias("deux", "dc=uno,dc=com,ou=dc,o=example") +
         alias("six", "dc=five,dc=com,ou=dc,o=example");
}

std::string people() {
  return person("joe", one,
                "mailHost: store1\nmail: joe@one.com\nuserPassword: joes-secret\n"
                "mailAllowedServiceAccess: +imap:*\ntitle: chief\n") +
         person("joe", two, "mailHost: store2\nmail: joe@two.com\nuserPassword: twos-secret\n") +
         person("jim", two, "mailHost: store2\n") +
         person("joe_sep.com", one, "mailHost: store3\n") +
         person("a*b(c)d", one, "mailHost: store1\n") +
         person("solo", "o=example", "mailHost: store4\nmailUserStatus: hold\n") +
         person("homeless", one, "mailUserStatus: disabled\n") +
         person("twin", one, "mailHost: store1\n") +
         person("twin", "uid=joe," + std::string(one), "mailHost: store1\n");
}

// Each status of a domain, and of a user in one.com.
std::string every_status() {
  std::string text;
  for (const char* status : hosted_statuses) {
    for (const char* attribute : {"inetDomainStatus", "mailDomainStatus"}) {
      text += organization(
          fmt::format("{}-{}", attribute, status),
          fmt::format("associatedDomain: {0}-{1}.com\n{0}: {1}\n{2}", attribute, status, base_one));
    }
    for (const char* attribute : {"inetUserStatus", "mailUserStatus"}) {
      text += person(fmt::format("{}-{}", attribute, status), one,
                     fmt::format("mailHost: store1\n{}: {}\n", attribute, status));
    }
  }
  return text;
}

}  // namespace

std::string HostedTest::ldif() {
  return "dn: o=example\nobjectClass: organization\no: example\n\n"
         "dn: ou=dc,o=example\nobjectClass: organizationalUnit\nou: dc\n\n"
         "dn: ou=orgs,o=example\nobjectClass: organizationalUnit\nou: orgs\n\n"
         "dn: ou=away,o=example\nobjectClass: referral\nobjectClass: extensibleObject\nou: away\n"
         "ref: ldap://127.0.0.1:1/o=x\n\n"
         "dn: cn=admins,o=example\nobjectClass: groupOfNames\ncn: admins\n"
         "member: uid=joe,o=one,ou=orgs,o=example\n\n" +
         organizations() + dc_tree() + people() + every_status();
}

std::string text_of(const Result<Route>& route) {
  if (!route) return text_of(route.error());
  std::string text;
  for (const HostPort& host : route->hosts) text += host.to_string() + " ";
  text += fmt::format("as {} ({} of {})", route->replay_name, route->user, route->domain);
  if (route->pre_auth) text += *route->pre_auth ? " preauth" : " no preauth";
  if (!route->domain_filter.empty()) text += " domain: " + route->domain_filter;
  if (!route->user_filter.empty()) text += " user: " + route->user_filter;
  if (route->standing == Standing::suspended) text += " suspended: ";
  if (route->standing == Standing::closed) text += " closed: ";
  return text + route->standing_text;
}

void HostedTest::use(const char* schema) {
  settings.schema_level = schema;
  settings.ldap_domain_root = schema == std::string("2") ? "ou=orgs,o=example" : "ou=dc,o=example";
}

Result<Route> HostedTest::route(const std::string& name, Steps* steps) {
  Query query(name, "192.0.2.1", "192.0.2.2");
  query.certificate_subject = "CN=joe";
  query.wants_dn = true;
  Task<Route> task = directory->find_route(std::move(query), steps);
  return finish(task);
}

std::string HostedTest::find(const std::string& name) { return text_of(route(name)); }

}  // namespace openmmp::directory
