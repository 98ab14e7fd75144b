#include "workers/proxy/lookup.h"

#include <algorithm>

#include "tests/unit/proxy/services_fixture.h"

namespace openmmp::proxy {
namespace {

class LookupTest : public ServicesFixture {
 protected:
  void SetUp() override {
    const std::string at = "mailHost: 192.0.2.50:993\n";
    add_file("LdapUrl",
             ldif_user("joe", at) + ldif_user("hold", at + "mailUserStatus: hold\n") +
                 ldif_user("denied", at + "mailAllowedServiceAccess: -imap:ALL\n") +
                 ldif_user("private", at + "mailAllowedServiceAccess: +imaps:ALL\n") +
                 ldif_user("near", at + "mailAllowedServiceAccess: +imap:10.0.0.0/8\n") +
                 ldif_user("broken", at + "mailAllowedServiceAccess: imap\n") +
                 ldif_user("asking", at + "mailAllowedServiceAccess: +imap:joe@10.0.0.1\n"));
  }
  LookupAnswer explain(const std::string& user, const std::string& client_ip = {},
                       const std::string& local_ip = {}) {
    LookupQuestion question;
    question.user = user;
    question.client_ip = client_ip;
    question.local_ip = local_ip;
    return *run(explain_lookup(std::move(question), *services_));
  }
  static std::string step(const LookupAnswer& answer, const std::string& what) {
    const auto found = std::find_if(answer.steps.begin(), answer.steps.end(),
                                    [&](const auto& one) { return one.what == what; });
    return found == answer.steps.end() ? "(no such step)" : found->value;
  }
};

TEST_F(LookupTest, FindsTheStore) {
  make();
  const LookupAnswer answer = explain("joe");
  EXPECT_TRUE(answer.found);
  EXPECT_EQ(step(answer, "store"), "192.0.2.50:993");
  EXPECT_EQ(step(answer, "password checked"), "by the store");
  EXPECT_EQ(step(answer, "connections allowed"), "(no such step)");
  EXPECT_FALSE(explain("nobody").found);
}

TEST_F(LookupTest, SaysWhatWouldRefuseTheLogin) {
  make();
  const struct {
    const char* user;
    const char* client;
    bool found;
    const char* says;  // of the user's filter
  } cases[] = {
      {"hold", "10.0.0.1", false, "(no such step)"},
      {"denied", "10.0.0.1", false, "no"},
      {"denied", "", true, "(no such step)"},  // nobody to apply it to
      {"private", "10.0.0.1", true, "with TLS only"},
      {"near", "10.0.0.1", true, "yes"},
      {"near", "192.0.2.1", false, "no"},
      {"asking", "10.0.0.1", false, "no: it asks for ident"},
      {"asking", "", false, "no: it asks for ident"},
  };
  for (const auto& c : cases) {
    const LookupAnswer answer = explain(c.user, c.client);
    EXPECT_EQ(answer.found, c.found) << c.user << ' ' << c.client;
    EXPECT_EQ(step(answer, std::string("filter of user ") + c.user + " says"), c.says) << c.user;
  }
  const LookupAnswer broken = explain("broken");
  EXPECT_FALSE(broken.found);
  EXPECT_EQ(step(broken, "filter of user broken says").find("no: "), 0u);
}

TEST_F(LookupTest, NamesLimitsAndPenalties) {
  set("ConnLimits", "10.0.0.0/8:7");
  set("MaxUserSessions", "3");
  set("BGPenalty", "5");
  set("PreAuth", "yes");
  Services& services = make();
  services.shared.login_failed(context_of("10.0.0.1"));
  const LookupAnswer answer = explain("joe", "10.0.0.1");
  EXPECT_TRUE(answer.found);
  EXPECT_EQ(step(answer, "connections allowed"), "7");
  EXPECT_EQ(step(answer, "held for"), "5 s");
  EXPECT_EQ(step(answer, "sessions allowed"), "3");
  EXPECT_EQ(step(answer, "password checked"), "here, then by the store");
  EXPECT_EQ(step(explain("joe", "192.0.2.1"), "connections allowed"), "any number");
}

TEST_F(LookupTest, IsAskedInAVirtualDomain) {
  add_domain("other", {"192.0.2.10"}, {{"TCPAccess", "-ALL:ALL"}});
  make();
  const LookupAnswer answer = explain("joe", "10.0.0.1", "192.0.2.10");
  EXPECT_FALSE(answer.found);
  EXPECT_EQ(step(answer, "virtual domain"), "other");
  EXPECT_EQ(step(answer, "TCPAccess says"), "no");
  EXPECT_TRUE(explain("joe", "10.0.0.1", "192.0.2.11").found);
}

TEST_F(LookupTest, SaysWhichAddressIsNone) {
  make();
  EXPECT_EQ(step(explain("joe", "10.0.0"), "failure").find("client: "), 0u);
  EXPECT_EQ(step(explain("joe", "", "example.com"), "failure").find("local address: "), 0u);
  EXPECT_FALSE(explain("joe", "10.0.0").found);
}

}  // namespace
}  // namespace openmmp::proxy
