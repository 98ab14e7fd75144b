// Passwords, certificates and groups: the same entries in a real slapd and in an embedded
// directory, asked the same questions.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <csignal>

#include "tests/unit/directory/slapd.h"
#include "tests/unit/directory/stub_server.h"
#include "workers/directory/directory.h"
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

// {0}: the certificate; {1}: a server that a part of the tree is said to be on.
const char* const entries = R"(dn: o=example
objectClass: organization
o: example

dn: ou=people,o=example
objectClass: organizationalUnit
ou: people

dn: ou=others,o=example
objectClass: organizationalUnit
ou: others

dn: ou=away,o=example
objectClass: referral
objectClass: extensibleObject
ou: away
ref: {1}/o=x

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

class LoginTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::signal(SIGPIPE, SIG_IGN);
    elsewhere = std::make_unique<StubServer>(StubServer::Manner::answers);
    slapd = std::make_unique<Slapd>(free_port(), "o=example", ldif());
    slapd->start();
  }
  static void TearDownTestSuite() {
    slapd.reset();
    EXPECT_EQ(elsewhere->connections(), 0) << "a referral must not be followed";
    elsewhere.reset();
  }

  static std::string ldif() {
    return fmt::format(fmt::runtime(entries), certificate, elsewhere->url());
  }
  static UniqueFd file_of(const std::string& text) {
    UniqueFd fd(memfd_create("file", MFD_CLOEXEC));
    EXPECT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    return fd;
  }
  static std::string ldap_url() { return slapd->url() + "/o=example"; }
  static constexpr const char* ldif_url = "ldif:users.ldif?o=example";

  LoginTest() {
    log.set_level(7);
    log.set_file(UniqueFd(fcntl(log_file.get(), F_DUPFD_CLOEXEC, 0)));
    settings.cert_map_file = "certmap.conf";
  }
  ~LoginTest() override {
    log.flush();
    std::string text(65536, '\0');
    const ssize_t size = ::pread(log_file.get(), text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    EXPECT_EQ(text.find("secret"), std::string::npos) << text;
  }

  Result<> open(const std::string& url) {
    settings.ldap_url = {url};
    settings.hosted_domains = false;
    Files files;
    files.ldif = file_of(ldif());
    if (!certmap.empty()) files.cert_map = file_of(certmap);
    auto result = Directory::create(loop, settings, log, std::move(files));
    if (!result) return fail(result.error());
    directory = std::move(*result);
    return {};
  }

  template <class T>
  Result<T>& finish(Task<T>& task) {
    task.start([](void* self) { static_cast<LoginTest*>(self)->loop.stop(); }, this);
    while (!task.finished()) loop.run();
    return task.result();
  }
  static std::string text_of(const Error& error) {
    const bool refused = error.code == Errc::refused;
    EXPECT_TRUE(refused || error.code == Errc::unavailable) << error.detail;
    return (refused ? "refused: " : "unavailable: ") + error.detail;
  }
  static std::string text_of(const Result<Route>& route) {
    if (!route) return text_of(route.error());
    std::string hosts;
    for (const HostPort& host : route->hosts) hosts += host.to_string() + " ";
    return fmt::format("{}as {} ({}) {}", hosts, route->replay_name, route->user, route->dn);
  }

  Result<Route> route(const std::string& name, bool wants_dn = true) {
    Query query(name);
    query.wants_dn = wants_dn;
    Task<Route> task = directory->find_route(std::move(query), nullptr);
    return finish(task);
  }
  Result<Route> by_certificate(const std::string& subject, Steps* steps = nullptr,
                               const std::string& der = *decode_base64(certificate)) {
    CertificateQuery query(subject, "CN=An authority", der);
    Task<Route> task = directory->find_by_certificate(std::move(query), steps);
    return finish(task);
  }
  std::string passwords(const std::string& name) {
    Task<std::vector<Secret>> task = directory->find_passwords(Query(name));
    const Result<std::vector<Secret>>& found = finish(task);
    if (!found) return text_of(found.error());
    std::vector<std::string> texts;
    for (const Secret& secret : *found) texts.emplace_back(secret.reveal());
    std::sort(texts.begin(), texts.end());
    return fmt::format("{}", fmt::join(texts, " "));
  }
  std::string membership(const std::string& name, const config::Words& groups) {
    Task<bool> task = directory->is_member(Query(name), groups);
    const Result<bool>& found = finish(task);
    if (!found) return text_of(found.error());
    return *found ? "member" : "stranger";
  }

  static std::unique_ptr<StubServer> elsewhere;
  static std::unique_ptr<Slapd> slapd;
  Loop loop;
  UniqueFd log_file = UniqueFd(memfd_create("log", MFD_CLOEXEC));
  Log log{"Test"};
  config::Settings settings;
  std::string certmap;
  std::unique_ptr<Directory> directory;
};
std::unique_ptr<StubServer> LoginTest::elsewhere;
std::unique_ptr<Slapd> LoginTest::slapd;

TEST_F(LoginTest, Passwords) {
  const struct {
    const char* name;
    const char* passwords;
  } cases[] = {
      {"joe", "joes-first-secret {SCRAM-SHA-256}joes-second-secret"},
      {"JOE", "joes-first-secret {SCRAM-SHA-256}joes-second-secret"},
      {"homeless", "homeless-secret"},
      {"jim", ""},
      {"twin", "refused: more than one entry matches (uid=twin)"},
      {"nobody", "refused: no entry matches (uid=nobody)"},
      {"*", "refused: no entry matches (uid=\\2a)"},
      {"joe)(uid=*", "refused: no entry matches (uid=joe\\29\\28uid=\\2a)"},
      {"", "refused: the login name is empty"},
  };
  for (const std::string& url : {ldap_url(), std::string(ldif_url)}) {
    ASSERT_TRUE(open(url));
    for (const auto& c : cases) EXPECT_EQ(passwords(c.name), c.passwords) << url << " " << c.name;
  }
}

TEST_F(LoginTest, PasswordAttributesAreThoseOfTheOption) {
  settings.password_attrs = {"description", "mail", "telephoneNumber"};
  for (const std::string& url : {ldap_url(), std::string(ldif_url)}) {
    ASSERT_TRUE(open(url));
    EXPECT_EQ(passwords("joe"), "cn=Joe,o=Elsewhere joe@x.org") << url;
  }
  settings.password_attrs = {};
  for (const std::string& url : {ldap_url(), std::string(ldif_url)}) {
    ASSERT_TRUE(open(url));
    EXPECT_EQ(passwords("joe"), "") << url;
  }
}

TEST_F(LoginTest, PasswordsAreFetchedEachTime) {
  Slapd server(free_port(), "o=example", ldif());
  server.start();
  ASSERT_TRUE(open(server.url() + "/o=example"));
  EXPECT_EQ(passwords("homeless"), "homeless-secret");
  Steps steps;
  Task<Route> task = directory->find_route(Query("homeless"), &steps);
  EXPECT_FALSE(finish(task));
  for (const Step& step : steps) {
    EXPECT_NE(step.value, "cache") << "an entry without its stores must not be taken for the user";
    EXPECT_EQ(step.value.find("secret"), std::string::npos) << step.what;
  }
  server.stop();
  EXPECT_EQ(passwords("homeless").substr(0, 13), "unavailable: ");
}

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
  std::string other = *decode_base64(certificate);
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

TEST_F(LoginTest, Members) {
  const struct {
    const char* name;
    config::Words groups;
    const char* answer;
  } cases[] = {
      {"joe", {"cn=admins,o=example"}, "member"},
      {"JOE", {"CN=Admins, O=Example"}, "member"},
      {"jim", {"cn=admins,o=example"}, "stranger"},
      {"jim", {"cn=admins,o=example", "cn=helpers,o=example"}, "member"},
      {"joe", {"cn=helpers,o=example"}, "stranger"},
      {"joe", {"CN=vanished,o=example"}, "member"},  // by memberOf
      {"jim", {"cn=vanished,o=example"}, "stranger"},
      {"joe", {"o=example"}, "stranger"},  // a base, but nobody's group
      {"joe", {}, "stranger"},
      {"twin", {"cn=admins,o=example"}, "refused: more than one entry matches (uid=twin)"},
      {"nobody", {"cn=admins,o=example"}, "refused: no entry matches (uid=nobody)"},
      {"*", {"cn=admins,o=example"}, "refused: no entry matches (uid=\\2a)"},
      {"joe", {"admins"}, "unavailable: DN 'admins': '=' is missing (at character 7)"},
  };
  for (const std::string& url : {ldap_url(), std::string(ldif_url)}) {
    ASSERT_TRUE(open(url));
    for (const auto& c : cases) EXPECT_EQ(membership(c.name, c.groups), c.answer) << c.name;
  }
}

TEST_F(LoginTest, TheDnIsThereWhenWanted) {
  for (const std::string& url : {ldap_url(), std::string(ldif_url)}) {
    ASSERT_TRUE(open(url));
    EXPECT_EQ(route("joe", false)->dn, "");
    const Result<Route> joe = route("joe");  // from the cache
    const Result<Route> same = route("JOE");
    const Result<Route> jim = route("jim");
    ASSERT_TRUE(joe && same && jim);
    EXPECT_EQ(joe->dn, "cn=joe,ou=people,o=example");
    EXPECT_TRUE(is_same_entry(*joe, *same));
    EXPECT_FALSE(is_same_entry(*joe, *jim));
    EXPECT_FALSE(is_same_entry(Route(), Route())) << "unknown is not the same";
  }
}

TEST_F(LoginTest, ADirectoryThatIsDownIsNobodysFault) {
  certmap = "certmap default default\ndefault:DNComps\ndefault:FilterComps cn\n";
  StubServer busy(StubServer::Manner::refuses);
  StubServer dying(StubServer::Manner::dies_on_search);
  const std::string nobody = fmt::format("ldap://127.0.0.1:{}", free_port());
  for (const std::string& url : {busy.url(), dying.url(), nobody}) {
    ASSERT_TRUE(open(url + "/o=example"));
    EXPECT_EQ(passwords("joe").substr(0, 13), "unavailable: ") << url;
    EXPECT_EQ(membership("joe", {"o=x"}).substr(0, 13), "unavailable: ") << url;
    EXPECT_EQ(text_of(by_certificate("CN=joe")).substr(0, 13), "unavailable: ") << url;
  }
}

TEST_F(LoginTest, SessionsMayGoWhileTheyWait) {
  certmap = "certmap default default\ndefault:DNComps\ndefault:FilterComps cn\n";
  StubServer server(StubServer::Manner::answers);
  ASSERT_TRUE(open(server.url() + "/o=example"));
  const config::Words groups = {"cn=admins,o=example", "cn=helpers,o=example"};
  passwords("joe");  // so that there is a connection
  for (int turns = 0; turns < 40; ++turns) {
    auto password = directory->find_passwords(Query("joe"));
    auto owner = directory->find_by_certificate(CertificateQuery("CN=a", "CN=b", "der"), nullptr);
    auto member = directory->is_member(Query("joe"), groups);
    password.start();
    owner.start();
    member.start();
    for (int i = 0; i < turns; ++i) loop.run_turn();
  }
  EXPECT_EQ(membership("joe", groups), "stranger");
}

}  // namespace
}  // namespace openmmp::directory
