// Whose a certificate is: the same entries in a real slapd and in an embedded directory, asked the
// same questions.
#include <fmt/format.h>

#include "tests/unit/directory/login_fixture.h"

namespace openmmp::directory {
namespace {

TEST_F(LoginTest, Certificates) {
  const char* const by_mail = "default:DNComps\ndefault:FilterComps e=mail\n";
  const char* const by_subject = "";
  const char* const by_ou_and_uid = "default:DNComps ou, o\ndefault:FilterComps cn=uid\n";
  const char* const verified = "default:DNComps\ndefault:FilterComps cn\ndefault:verifycert on\n";
  const char* const joe = "store1 as joe (joe) cn=joe,ou=people,o=example";
  const struct {
    const char* certmap;
    const char* subject;
    const char* route;
  } cases[] = {
      {by_mail, "emailAddress=joe@x.org,CN=Somebody", joe},
      {by_mail, "CN=Somebody,emailAddress=JOE@X.ORG", joe},
      {by_mail, "emailAddress=jim@x.org", "store2:1143 as jim (jim) cn=jim,ou=others,o=example"},
      {by_mail, "emailAddress=ann@x.org",
       "store1 as ann@x.org (ann@x.org) cn=ann,ou=people,o=example"},
      {by_mail, "emailAddress=twin@x.org",
       "refused: more than one entry matches (mail=twin@x.org) below 'o=example'"},
      {by_mail, "emailAddress=nobody@x.org",
       "refused: no entry matches (mail=nobody@x.org) below 'o=example'"},
      {by_mail, "emailAddress=*", "refused: no entry matches (mail=\\2a) below 'o=example'"},
      {by_mail, "emailAddress=x)(uid=*",
       "refused: no entry matches (mail=x\\29\\28uid=\\2a) below 'o=example'"},
      {by_mail, "emailAddress=joe@x.org\\00",
       "refused: the client's certificate: its subject has a control character"},
      {by_mail, "emailAddress=joe@x.org\\00.net",
       "refused: the client's certificate: its subject has a control character"},
      {by_mail, "CN=a\\0Ab,emailAddress=joe@x.org",
       "refused: the client's certificate: its subject has a control character"},
      {by_mail, "emailAddress=homeless@x.org",
       "unavailable: entry 'cn=homeless,ou=people,o=example' has no mailHost"},
      {by_mail, "", "refused: the client's certificate: its subject is empty"},
      {by_mail, "emailAddress=joe@x.org,emailAddress=jim@x.org",
       "refused: the client's certificate: its subject has more than one mail"},
      {by_subject, "CN=Joe,OU=People,O=Example", joe},
      {by_subject, "CN=Bob,OU=People,O=Example",
       "refused: no entry matches (objectclass=*) below 'cn=Bob,ou=People,o=Example'"},
      {by_subject, "CN=Joe,O=Nowhere",
       "refused: no entry matches (objectclass=*) below 'cn=Joe,o=Nowhere'"},
      // A value that the server's schema does not let such an attribute have.
      {by_subject, "DC=\\C3\\A9,O=example",
       "refused: no entry matches (objectclass=*) below 'dc=\xC3\xA9,o=example'"},
      {by_subject, "OU=People,O=Example",
       "refused: entry 'ou=people,o=example' has neither uid nor mail"},
      {by_subject, "CN=Nameless,OU=People,O=Example",
       "refused: entry 'cn=nameless,ou=people,o=example' has neither uid nor mail"},
      {by_subject, "CN=Odd,OU=People,O=Example",
       "refused: entry 'cn=odd,ou=people,o=example': the login name has a control character in it"},
      {by_ou_and_uid, "CN=twin,OU=Others,O=Example",
       "store2 as twin (twin) cn=twin,ou=others,o=example"},
      {by_ou_and_uid, "CN=joe,OU=Others,O=Example",
       "refused: no entry matches (uid=joe) below 'ou=Others,o=Example'"},
      {by_ou_and_uid, "CN=joe,OU=Nowhere,O=Example",
       "refused: no entry matches (uid=joe) below 'ou=Nowhere,o=Example'"},
      {"default:CmapLdapAttr description\n", "CN=joe,O=elsewhere", joe},
      {"default:CmapLdapAttr description\n", "CN=joe,O=example",
       "refused: no entry matches (description=cn=joe,o=example) below 'o=example'"},
      {verified, "CN=joe", joe},
      {verified, "CN=jim",
       "refused: entry 'cn=jim,ou=others,o=example' does not hold the client's certificate"},
  };
  for (const auto& c : cases) {
    certmap = std::string("certmap default default\n") + c.certmap;
    for (const std::string& url : {ldap_url(), std::string(ldif_url)}) {
      ASSERT_TRUE(open(url));
      Steps steps;
      const Result<Route> found = by_certificate(c.subject, &steps);
      EXPECT_EQ(text_of(found), c.route) << url << " " << c.subject;
      ASSERT_FALSE(steps.empty());
      EXPECT_EQ(steps.back().what, found ? "replay name" : "failure");
      const Result<Route> by_name = route(found ? found->user : "nobody");
      if (found && by_name) {
        EXPECT_TRUE(is_same_entry(*by_name, *found)) << by_name->dn;
      }
    }
  }
}

TEST_F(LoginTest, AnotherCertificateOfTheSameNameIsRefused) {
  certmap =
      "certmap default default\ndefault:DNComps\ndefault:FilterComps cn\n"
      "default:verifycert on\n";
  std::string other = joes_certificate();
  other.back() = static_cast<char>(other.back() ^ 1);
  for (const std::string& url : {ldap_url(), std::string(ldif_url)}) {
    ASSERT_TRUE(open(url));
    EXPECT_TRUE(by_certificate("CN=joe"));
    for (const std::string& der : {other, other.substr(1), std::string()}) {
      EXPECT_EQ(text_of(by_certificate("CN=joe", nullptr, der)),
                "refused: entry 'cn=joe,ou=people,o=example' does not hold the client's "
                "certificate");
    }
  }
}

TEST_F(LoginTest, TheBaseOfCertificates) {
  const struct {
    const char* user_group_dn;
    const char* certmap_dn;
    const char* route;
  } cases[] = {
      {"OU=others, O=example", "",
       "refused: no entry matches (mail=joe@x.org) below 'OU=others, O=example'"},
      {"ou=people,o=example", "ou=others,o=example",
       "store1 as joe (joe) cn=joe,ou=people,o=example"},
      {"", "ou=others,o=example",
       "refused: no entry matches (mail=joe@x.org) below 'ou=others,o=example'"},
  };
  certmap = "certmap default default\ndefault:DNComps\ndefault:FilterComps e=mail\n";
  for (const auto& c : cases) {
    settings.user_group_dn = c.user_group_dn;
    settings.certmap_dn = c.certmap_dn;
    for (const std::string& url : {ldap_url(), std::string(ldif_url)}) {
      ASSERT_TRUE(open(url));
      EXPECT_EQ(text_of(by_certificate("emailAddress=joe@x.org")), c.route) << url;
    }
  }
  // A file can be seen to lack it at the start, a server only when it is asked.
  settings.user_group_dn = "ou=nowhere,o=example";
  EXPECT_EQ(open(ldif_url).error().detail,
            "UserGroupDN: users.ldif has no entry below 'ou=nowhere,o=example'");
  ASSERT_TRUE(open(ldap_url()));
  EXPECT_EQ(text_of(by_certificate("emailAddress=joe@x.org")),
            fmt::format("unavailable: {}: search: No such object", slapd->url()));
}

TEST_F(LoginTest, MistakesAboutCertificatesAreToldAtTheStart) {
  EXPECT_TRUE(open(ldif_url));
  EXPECT_EQ(text_of(by_certificate("CN=joe")),
            "refused: no CertMapFile says whose the client's certificate is");
  certmap = "certmap default default\ndefault:verifycert maybe\n";
  EXPECT_EQ(open(ldif_url).error().detail,
            "CertMapFile: certmap.conf:2: verifycert is 'maybe'; accepted: on, off");
  certmap = "certmap default default\ndefault:DNComps\n";
  EXPECT_TRUE(open(ldap_url()).error().detail.starts_with("CertMapFile: certmap.conf:1: "));
  certmap = "# nobody\n";
  EXPECT_TRUE(open(ldif_url).error().detail.starts_with("CertMapFile: certmap.conf: has no "));
  certmap = "certmap default default\n";
  settings.certmap_dn = "people";
  EXPECT_TRUE(open(ldap_url()).error().detail.starts_with("CertmapDN: "));
}

}  // namespace
}  // namespace openmmp::directory
