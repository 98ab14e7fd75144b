#include "config/smtp_rules.h"

#include <gtest/gtest.h>

#include "tests/unit/config/diagnostics_matchers.h"
#include "tests/unit/config/instance_fixture.h"

namespace openmmp::config {
namespace {

class SmtpRules : public InstanceTest {
 protected:
  void SetUp() override {
    make_certificate("server");
    write("AService.cfg", "default:ServiceList popproxy@1110 submitproxy@1025|127.0.0.1:1587\n");
    write_pop("");
  }
  void write_pop(std::string_view lines) {
    write("PopProxyAService.cfg", "default:LdapUrl ldap://h/o=x\n" + std::string(lines));
  }
  std::vector<Diagnostic> check(std::string_view lines) {
    write("SmtpProxyAService.cfg", "default:SmtpRelays relay:2025\n" + std::string(lines));
    return load(directory_).diagnostics;
  }
};

constexpr std::string_view with_tls =
    "default:SSLEnable yes\ndefault:SSLCertFile server.pem\ndefault:SSLKeyFile server.key\n";

// None of them needs a directory but those that have one.
TEST_F(SmtpRules, GoodCombinationsAreSilent) {
  const std::string_view cases[] = {
      "",
      "default:OpenPorts 1025|127.0.0.1:1587\n",
      "default:OpenPorts \"\"\n",
      "default:TellRelay xproxyehlo\ndefault:SmtpProxyPassword secret\n",
      "default:RelayLogin admin\ndefault:StoreAdmin a\n",
      "default:PreAuth yes\ndefault:SCRAMs yes\ndefault:LdapUrl ldap://h/o=x\n",
      "default:PreAuth yes\ndefault:AuthenticationServer h:1\n",
      "default:SSLClientCaFile server.pem\ndefault:CertMapFile server.pem\n"
      "default:LdapUrl ldap://h/o=x\n",
      "default:StoreStartTls yes\ndefault:StoreCaFile server.pem\n",
  };
  for (const std::string_view lines : cases) {
    const auto got = check(std::string(with_tls) + std::string(lines));
    EXPECT_TRUE(got.empty()) << lines << all_text(got);
  }
}

TEST_F(SmtpRules, CombinationsThatCannotWorkOrPromiseTooMuch) {
  const struct {
    std::string_view lines;  // from line 2
    std::string_view place;
    std::string_view part;
  } cases[] = {
      {"default:SmtpRelays \"\"\n", "2: SmtpRelays: error: ", "HOST[:PORT]"},
      {"default:TellRelay xproxyehlo\n", "2: TellRelay: warning: ", "SmtpProxyPassword is empty"},
      {"default:RelayLogin admin\n", "2: RelayLogin: warning: ", "StoreAdmin is empty"},
      {"default:RelayLogin none\ndefault:PreAuth yes\ndefault:LdapUrl ldap://h/o=x\n",
       "2: RelayLogin: warning: ", "is none and PreAuth is on"},
      {"default:CRAMs yes\n", "2: CRAMs: warning: ", "PreAuth is no"},
      {"default:SCRAMs yes\n", "2: SCRAMs: warning: ", "PreAuth is no"},
      {"default:AuthenticationServer h:1\n", "2: AuthenticationServer: warning: ", "PreAuth is no"},
      {"default:OpenPorts 25\n",
       "2: OpenPorts: warning: ", "25 is no port of SmtpProxyAService@1025"},
      {"default:OpenPorts 1025|127.0.0.2:1587\n",
       "2: OpenPorts: warning: ", "127.0.0.2:1587 is no port"},
      {"default:PreAuth yes\n", ": LdapUrl: error: ", "is not set"},
      {"default:PopBeforeSmtpKludgeChannel tcp_intranet\n",
       "2: PopBeforeSmtpKludgeChannel: warning: ", "no POP service"},
  };
  for (const auto& [lines, place, part] : cases) {
    const auto got = check(lines);
    std::string where = "SmtpProxyAService.cfg";
    if (!place.starts_with(":")) where += ":";
    EXPECT_TRUE(says(got, where + std::string(place), part)) << lines << all_text(got);
    const size_t said_before = lines.find("SmtpRelays") != std::string_view::npos ? 1 : 0;
    EXPECT_EQ(got.size(), 1u + said_before) << lines << all_text(got);
  }
}

TEST_F(SmtpRules, RelaysMustBeNamed) {
  write("SmtpProxyAService.cfg", "default:Timeout 60\n");
  const auto got = load(directory_).diagnostics;
  EXPECT_EQ(count(got, Severity::error), 1u) << all_text(got);
  EXPECT_TRUE(says(got, "SmtpProxyAService.cfg: SmtpRelays: error: ", "is not set in section"));
}

TEST_F(SmtpRules, ClientCertificatesNeedADirectory) {
  const auto got = check(std::string(with_tls) +
                         "default:SSLClientCaFile server.pem\ndefault:CertMapFile server.pem\n");
  EXPECT_TRUE(says(got, "SmtpProxyAService.cfg: LdapUrl: error: ", "is not set")) << all_text(got);
}

TEST_F(SmtpRules, HoldForGroupsOfRelays) {
  const struct {
    std::string_view lines;
    std::string_view place;  // empty: good
    std::string_view part;
  } cases[] = {
      {"a:TellRelay xclient\n", "", ""},
      {"a:TellRelay xproxyehlo\n",
       "stores.cfg: TellRelay: warning: ", "for the stores of a: is xproxyehlo"},
      {"a:RelayLogin admin\n",
       "stores.cfg: RelayLogin: warning: ", "for the stores of a: is admin"},
  };
  for (const auto& [lines, place, part] : cases) {
    write("stores.cfg", "store a *.example\n" + std::string(lines));
    const auto got = check("default:StoreFile stores.cfg\n");
    EXPECT_EQ(got.size(), place.empty() ? 0u : 1u) << lines << all_text(got);
    if (!place.empty()) {
      EXPECT_TRUE(says(got, place, part)) << all_text(got);
    }
  }
}

TEST_F(SmtpRules, VirtualDomainsMayHaveWhatTheServiceLacks) {
  write("map", "vdmap a 192.0.2.1\na:SmtpProxyPassword x\na:StoreAdmin y\n");
  auto got = check(
      "default:VirtualDomainFile map\ndefault:TellRelay xproxyehlo\ndefault:RelayLogin admin\n");
  EXPECT_TRUE(got.empty()) << all_text(got);
  write("map", "vdmap a 192.0.2.1\na:PreAuth yes\na:SCRAMs yes\n");
  got = check("default:VirtualDomainFile map\ndefault:SCRAMs yes\n");
  EXPECT_EQ(got.size(), 1u) << all_text(got);
  EXPECT_TRUE(says(got, "map:1: LdapUrl: error: ", "virtual domain a cannot find"));
  write("map", "vdmap a 192.0.2.1\na:PreAuth yes\na:LdapUrl ldap://h/o=x\n");
  EXPECT_TRUE(check("default:VirtualDomainFile map\n").empty());
}

TEST_F(SmtpRules, PopBeforeSmtpNeedsLoginsThatAreRemembered) {
  const struct {
    std::string_view pop;    // from line 2 of PopProxyAService.cfg
    std::string_view place;  // of the only word; empty: good
    std::string_view part;
    bool opens;  // SMTP
  } cases[] = {
      {"default:PreAuth yes\ndefault:AuthServiceTTL 900\n", "", "", true},
      {"default:PreAuth yes\ndefault:AuthServiceTTL 900\ndefault:AuthService yes\n", "", "", true},
      {"default:PreAuth yes\ndefault:AuthServiceTTL 0\n", "", "", false},
      {"default:AuthServiceTTL 900\n", "2: AuthServiceTTL: warning: ", "PreAuth is no", false},
      {"default:AuthService yes\ndefault:PreAuth yes\n",
       "2: AuthService: warning: ", "XQUERYAUTH finds nobody", false},
      {"default:VirtualDomainFile map\ndefault:AuthServiceTTL 900\n", "", "", true},
  };
  write("map", "vdmap a 192.0.2.1\na:PreAuth yes\n");
  for (const auto& [pop, place, part, opens] : cases) {
    write_pop(pop);
    auto got = check("");
    EXPECT_EQ(got.size(), place.empty() ? 0u : 1u) << pop << all_text(got);
    if (!place.empty()) {
      EXPECT_TRUE(says(got, "PopProxyAService.cfg:" + std::string(place), part)) << all_text(got);
    }
    got = check("default:PopBeforeSmtpKludgeChannel tcp_intranet\n");
    EXPECT_EQ(says(got, "SmtpProxyAService.cfg:2: PopBeforeSmtpKludgeChannel: warning: ", "no POP"),
              !opens)
        << pop << all_text(got);
  }
}

}  // namespace
}  // namespace openmmp::config
