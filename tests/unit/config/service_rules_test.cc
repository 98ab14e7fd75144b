#include <gtest/gtest.h>

#include "config/config.h"
#include "tests/unit/config/diagnostics_matchers.h"
#include "tests/unit/config/instance_fixture.h"

namespace openmmp::config {
namespace {

class ServiceRules : public InstanceTest {
 protected:
  void SetUp() override {
    make_certificate("server");
    write("AService.cfg", "default:ServiceList imapproxy@127.0.0.1:1143|1993|localhost:2993\n");
  }
  std::vector<Diagnostic> check(std::string_view lines) {
    write("ImapProxyAService.cfg", "default:LdapUrl ldap://h/o=x\n" + std::string(lines));
    return load(directory_).diagnostics;
  }
};

constexpr std::string_view with_tls =
    "default:SSLEnable yes\ndefault:SSLCertFile server.pem\ndefault:SSLKeyFile server.key\n";

TEST_F(ServiceRules, GoodCombinationsAreSilent) {
  const std::string_view cases[] = {
      "",
      "default:SSLPorts 1993|127.0.0.1:1143|127.0.0.1:2993\n",
      "default:SSLClientCaFile server.pem\ndefault:CertMapFile server.pem\ndefault:StoreAdmin a\n",
      "default:RestrictPlainPasswords yes\n",
      "default:SCRAMs yes\ndefault:StoreAdmin a\n",
      "default:ProxyProtocol yes\ndefault:TrustedNetworks 192.0.2.0/24\n",
      "default:AdminPolicy group\ndefault:AdminGroups cn=a,o=x\n",
      "default:StoreStartTls yes\ndefault:StoreCaFile server.pem\n",
      "default:SSLBacksidePort 993\ndefault:StoreCertFile server.pem\n"
      "default:StoreKeyFile server.key\n",
  };
  for (const std::string_view lines : cases) {
    const auto got = check(std::string(with_tls) + std::string(lines));
    EXPECT_TRUE(got.empty()) << lines << all_text(got);
  }
}

TEST_F(ServiceRules, CombinationsThatPromiseTooMuch) {
  const struct {
    bool tls;
    std::string_view lines;  // from line 2, or with TLS from line 5
    std::string_view place;
    std::string_view part;
  } cases[] = {
      {false, "default:SSLPorts 1993\n", "2: SSLPorts: warning: ", "speak no TLS"},
      {false, "default:RestrictPlainPasswords yes\n",
       "2: RestrictPlainPasswords: warning: ", "SSLEnable is no"},
      {false, "default:SSLClientCaFile x\n", "2: SSLClientCaFile: warning: ", "SSLEnable is no"},
      {false, "default:CertMapFile x\n", "2: CertMapFile: warning: ", "SSLEnable is no"},
      {true, "default:SSLPorts 993\n", "5: SSLPorts: warning: ", "993 is no port of Imap"},
      {true, "default:SSLPorts 127.0.0.2:1143\n", "5: SSLPorts: warning: ", "127.0.0.2:1143 is no"},
      {true, "default:CertMapFile server.pem\ndefault:StoreAdmin a\n",
       "5: CertMapFile: warning: ", "SSLClientCaFile is empty"},
      {true, "default:CertMapFile server.pem\ndefault:SSLClientCaFile server.pem\n",
       "5: CertMapFile: warning: ", "StoreAdmin is empty"},
      {false, "default:SCRAMs yes\n", "2: SCRAMs: warning: ", "StoreAdmin is empty"},
      {false, "default:AdminPolicy group\n", "2: AdminPolicy: warning: ", "AdminGroups is empty"},
      {false, "default:ProxyProtocol yes\n",
       "2: ProxyProtocol: error: ", "TrustedNetworks is empty"},
      {false, "default:StoreVerify no\n", "2: StoreVerify: warning: ", "in clear"},
      {false, "default:StoreCaFile server.pem\n", "2: StoreCaFile: warning: ", "in clear"},
      {false, "default:StoreCertFile server.pem\ndefault:StoreKeyFile server.key\n",
       "2: StoreCertFile: warning: ", "in clear"},
      {false, "default:StoreStartTls yes\ndefault:StoreVerify no\n",
       "3: StoreVerify: warning: ", "gets the passwords"},
      {false, "default:StoreStartTls yes\ndefault:SSLBacksidePort 993\n",
       "2: StoreStartTls: warning: ", "SSLBacksidePort speaks"},
      {false, "default:StoreKeyFile server.key\n",
       "2: StoreKeyFile: error: ", "StoreCertFile is empty"},
  };
  for (const auto& [tls, lines, place, part] : cases) {
    const auto got = check((tls ? std::string(with_tls) : "") + std::string(lines));
    EXPECT_EQ(got.size(), 1u) << lines << all_text(got);
    EXPECT_TRUE(says(got, "ImapProxyAService.cfg:" + std::string(place), part)) << all_text(got);
  }
}

TEST_F(ServiceRules, HoldForGroupsOfStores) {
  const struct {
    std::string_view lines;
    std::string_view place;  // empty: good
    std::string_view part;
  } cases[] = {
      {"a:StoreStartTls yes\na:StoreCaFile server.pem\n", "", ""},
      {"a:StoreCaFile server.pem\n",
       "stores.cfg: StoreCaFile: warning: ", "for the stores of a: does nothing"},
      {"a:SSLBacksidePort 993\na:StoreVerify no\n",
       "stores.cfg: StoreVerify: warning: ", "for the stores of a: is no"},
      {"a:StoreKeyFile server.key\n", "stores.cfg: StoreKeyFile: error: ", "for the stores of a"},
      {"a:StoreStartTls yes\na:StoreCaFile none.pem\n",
       "stores.cfg: StoreCaFile: error: ", "none.pem: No such file"},
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

TEST_F(ServiceRules, StoreFileMustBeThere) {
  EXPECT_TRUE(says(check("default:StoreFile none.cfg\n"),
                   "ImapProxyAService.cfg:2: StoreFile: error: ", "none.cfg: No such file"));
}

}  // namespace
}  // namespace openmmp::config
