#include "workers/proxy/virtual_domains.h"

#include "tests/unit/proxy/services_fixture.h"

namespace openmmp::proxy {
namespace {

class VirtualDomainsTest : public ServicesFixture {
 protected:
  // Where this user is found in the domain of that address.
  std::string store_of(const std::string& user, const std::string& local) {
    const VirtualDomain& domain = services_->domains.find(address(local));
    directory::Query query(user, "192.0.2.1", local);
    const auto route = run(domain.directory->find_route(std::move(query), nullptr));
    return route && !route->hosts.empty() ? route->hosts.front().to_string() : "none";
  }
};

TEST_F(VirtualDomainsTest, AreOfTheAddressesThatTheirEntriesName) {
  add_file("LdapUrl", ldif_user("joe", "mailHost: store:1\n"));
  add_domain("one", {"192.0.2.10", "192.0.2.11", "2001:db8::10"}, {{"PreAuth", "yes"}});
  add_domain("two", {"192.0.2.12"}, {});
  const VirtualDomains& domains = make().domains;
  const struct {
    const char* local;
    const char* name;
  } cases[] = {
      {"192.0.2.10", "one"}, {"192.0.2.11", "one"}, {"2001:db8:0:0::10", "one"},
      {"192.0.2.12", "two"}, {"192.0.2.1", ""},     {"2001:db8::1", ""},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(domains.find(address(c.local)).name, c.name) << c.local;
  }
  EXPECT_TRUE(domains.find(address("192.0.2.10")).settings.pre_auth);
  EXPECT_FALSE(domains.find(address("192.0.2.12")).settings.pre_auth);
  EXPECT_FALSE(domains.others().settings.pre_auth);
  EXPECT_FALSE(domains.empty());
}

TEST_F(VirtualDomainsTest, AreNoneWithoutAFileOfThem) {
  add_file("LdapUrl", ldif_user("joe", "mailHost: store:1\n"));
  const VirtualDomains& domains = make().domains;
  EXPECT_TRUE(domains.empty());
  EXPECT_EQ(&domains.find(address("192.0.2.10")), &domains.others());
}

TEST_F(VirtualDomainsTest, HaveDirectoriesOfTheirOwn) {
  add_file("LdapUrl", ldif_user("joe", "mailHost: everybody:1\n"));
  add_domain("own", {"192.0.2.10"}, {{"LdapUrl", "ldif:own.ldif"}});
  add_file("LdapUrl", ldif_user("joe", "mailHost: own:1\n"), "own");
  make();
  // The second one is answered anew, not from what is remembered of the first.
  EXPECT_EQ(store_of("joe", "192.0.2.1"), "everybody:1");
  EXPECT_EQ(store_of("joe", "192.0.2.10"), "own:1");
  EXPECT_EQ(store_of("joe", "192.0.2.1"), "everybody:1");
}

TEST_F(VirtualDomainsTest, SayWhatTheirFormatsAskFor) {
  add_file("LdapUrl", ldif_user("joe", "mailHost: store:1\n"));
  add_domain("local", {"192.0.2.10"}, {{"SearchFormat", "(&(uid=%U)(host=%S))"}});
  add_domain("subject", {"192.0.2.11"}, {{"SearchFormat", "(&(uid=%U)(owner=%D))"}});
  const VirtualDomains& domains = make().domains;
  EXPECT_FALSE(domains.others().wants_local_ip || domains.others().wants_subject);
  const VirtualDomain& local = domains.find(address("192.0.2.10"));
  EXPECT_TRUE(local.wants_local_ip && !local.wants_subject);
  const VirtualDomain& subject = domains.find(address("192.0.2.11"));
  EXPECT_TRUE(subject.wants_subject && !subject.wants_local_ip);
}

TEST_F(VirtualDomainsTest, ThatAreWrongAreNamedWithTheirFile) {
  add_file("LdapUrl", ldif_user("joe", "mailHost: store:1\n"));
  add_domain("good", {"192.0.2.10"}, {});
  add_domain("bad", {"192.0.2.11"}, {{"LdapUrl", "ldif:missing.ldif"}});
  const Result<> made = try_make();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().detail.find("virtual domain bad: missing.ldif"), 0u)
      << made.error().detail;
}

}  // namespace
}  // namespace openmmp::proxy
