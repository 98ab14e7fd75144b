#include "config/vdmap.h"

#include <gtest/gtest.h>

#include "config/cfg_file.h"
#include "tests/unit/config/diagnostics_matchers.h"

namespace openmmp::config {
namespace {

struct Parsed {
  std::vector<VirtualDomain> domains;
  std::vector<Diagnostic> diagnostics;
};

Parsed parse(std::string_view text) {
  Diagnostics out;
  std::vector<VirtualDomain> domains = parse_vdmap(text, "vdmap.cfg", out);
  return Parsed{std::move(domains), out.take()};
}

TEST(Vdmap, ReadsDomainsAndTheirOptions) {
  const Parsed got = parse(
      "# two domains\n"
      "vdmap siroe 192.0.2.1\n"
      "siroe:VDomain siroe.com\n"
      "siroe:LdapURL \"ldap://h1 h2/o=siroe.com\"\n"
      "vdmap  sesta\t192.0.2.2\n"
      "vdmap siroe 2001:DB8::1\n"
      "sesta:DefaultDomain sesta.com\r\n"
      "siroe:DefaultDomain siroe.org\n");
  EXPECT_TRUE(got.diagnostics.empty()) << all_text(got.diagnostics);
  ASSERT_EQ(got.domains.size(), 2u);
  EXPECT_EQ(got.domains[0].name, "siroe");
  EXPECT_EQ(got.domains[0].addresses, (std::vector<std::string>{"192.0.2.1", "2001:db8::1"}));
  EXPECT_EQ(got.domains[0].overrides,
            (Pairs{{"LdapUrl", "ldap://h1 h2/o=siroe.com"}, {"DefaultDomain", "siroe.org"}}));
  EXPECT_EQ(got.domains[1].name, "sesta");
  EXPECT_EQ(got.domains[1].overrides, (Pairs{{"DefaultDomain", "sesta.com"}}));
}

TEST(Vdmap, OptionsMayStandBeforeTheirDomain) {
  const Parsed got = parse("a:DefaultDomain a.org\nvdmap a 192.0.2.1\n");
  EXPECT_TRUE(got.diagnostics.empty()) << all_text(got.diagnostics);
  EXPECT_EQ(got.domains.at(0).overrides.size(), 1u);
}

TEST(Vdmap, AcceptsEveryOptionThatTheOriginalDocuments) {
  const std::string_view lines[] = {
      "AuthCacheSize 1",
      "AuthCacheSizeTTL 1",
      "AuthService yes",
      "BindDN cn=a",
      "BindPass x",
      "CanonicalVirtual +",
      "CertMap x",
      "CRAMs yes",
      "DomainDelim +",
      "HostedDomains no",
      "LdapCacheSize 1",
      "LdapCacheTTL 1",
      "LdapURL ldap://h/",
      "MailHostAttrs a",
      "PreAuth yes",
      "ReplayFormat %s",
      "StoreAdmin a",
      "StoreAdminPass a",
      "SearchFormat (a=%s)",
      "TCPAccess +all:*",
      "VDomain a.org",
      "ClientLookup yes",
      "DefaultDomain a",
      "RestrictPlainPasswords yes",
      "debugkeys ldap",
      "smtpproxypassword x",
      "domainsearchformat (a=%U)",
      "AuthCacheTTL 1",
      "AuthenticationServer h:1",
      "AuthenticationLdapAttributes a",
  };
  for (const std::string_view line : lines) {
    const Parsed got = parse("vdmap a 192.0.2.1\na:" + std::string(line) + "\n");
    EXPECT_TRUE(got.diagnostics.empty()) << all_text(got.diagnostics);
    EXPECT_EQ(got.domains.at(0).overrides.size(), 1u) << line;
  }
}

TEST(Vdmap, RefusesBadInput) {
  const struct {
    std::string_view line;
    std::string_view place;
    std::string_view part;
  } cases[] = {
      {"vdmap", "vdmap.cfg:2: error: ", "vdmap NAME IPADDR"},
      {"vdmap b", "vdmap.cfg:2: error: ", "vdmap NAME IPADDR"},
      {"vdmap b 192.0.2.2 192.0.2.3", "vdmap.cfg:2: error: ", "vdmap NAME IPADDR"},
      {"vdmap b:c 192.0.2.2", "vdmap.cfg:2: error: ", "vdmap NAME IPADDR"},
      {"vdmap b 192.0.2", "vdmap.cfg:2: error: ", "not an IP address"},
      {"vdmap b 192.0.2.256", "vdmap.cfg:2: error: ", "not an IP address"},
      {"vdmap b mail.example.com", "vdmap.cfg:2: error: ", "accepted: a local IPv4"},
      {"vdmap b 192.0.2.1", "vdmap.cfg:2: error: ", "in line 1 already"},
      {"vdmap a 192.0.2.1", "vdmap.cfg:2: error: ", "in line 1 already"},
      {"VDMAP b 192.0.2.2", "vdmap.cfg:2: error: ", "neither"},
      {"nonsense", "vdmap.cfg:2: error: ", "neither"},
      {"a: DefaultDomain x", "vdmap.cfg:2: error: ", "neither"},
      {"a:BindPass \"x", "vdmap.cfg:2: error: ", "quote"},
      {"a:BindDN \x01", "vdmap.cfg:2: error: ", "control character"},
      {"b:DefaultDomain x", "vdmap.cfg:2: warning: ", "no vdmap line names 'b'"},
      {"A:DefaultDomain x", "vdmap.cfg:2: warning: ", "no vdmap line names 'A'"},
      {"a:DefaultDomian x", "vdmap.cfg:2: DefaultDomian: warning: ", "DefaultDomain meant"},
      {"a:Timeout 3", "vdmap.cfg:2: Timeout: warning: ", "virtual domain"},
      {"a:SSLEnable yes", "vdmap.cfg:2: SSLEnable: warning: ", "virtual domain"},
      {"a:NumThreads 2", "vdmap.cfg:2: NumThreads: warning: ", "virtual domain"},
      {"a:LdapCacheTTL x", "vdmap.cfg:2: LdapCacheTTL: error: ", "whole number"},
      {"a:DomainDelim \"\"", "vdmap.cfg:2: VirtualDomainDelim: error: ", "empty"},
  };
  for (const auto& [line, place, part] : cases) {
    const Parsed got = parse("vdmap a 192.0.2.1\n" + std::string(line) + "\n");
    EXPECT_EQ(got.diagnostics.size(), 1u) << line;
    EXPECT_TRUE(says(got.diagnostics, place, part)) << all_text(got.diagnostics);
    ASSERT_EQ(got.domains.size(), 1u) << line;
    EXPECT_TRUE(got.domains[0].overrides.empty()) << line;
    EXPECT_EQ(got.domains[0].addresses.size(), 1u) << line;
  }
}

TEST(Vdmap, IsBounded) {
  const Parsed got = parse(std::string(max_cfg_file + 1, '#'));
  EXPECT_TRUE(says(got.diagnostics, "vdmap.cfg: error: ", "larger than"));
}

}  // namespace
}  // namespace openmmp::config
