// Files that options of protections, stores and virtual domains name, through the whole of load().
#include <gtest/gtest.h>

#include "config/config.h"
#include "tests/unit/config/diagnostics_matchers.h"
#include "tests/unit/config/instance_fixture.h"

namespace openmmp::config {
namespace {

class ProtectionFiles : public InstanceTest {
 protected:
  void SetUp() override {
    write("AService.cfg", "default:ServiceList imapproxy@1143 popproxy@1110\n");
    write("ImapProxyAService.cfg", "default:LdapUrl ldap://h/o=x\n");
    write("PopProxyAService.cfg", "default:LdapUrl ldap://h/o=x\n");
  }
  // The lines begin in line 2.
  Config check_imap(std::string_view lines) { return check("ImapProxyAService.cfg", lines); }
  Config check_pop(std::string_view lines) { return check("PopProxyAService.cfg", lines); }
  Config check(const std::string& file, std::string_view lines) {
    write(file, "default:LdapUrl ldap://h/o=x\n" + std::string(lines));
    return load(directory_);
  }
  // What is said, but for what an option does not do yet.
  static std::string said(const Config& config) {
    std::string text;
    for (const Diagnostic& one : config.diagnostics) {
      if (one.severity == Severity::error) text += one.to_string() + "\n";
    }
    return text;
  }
  ServiceFile file(const std::string& option, const std::string& name,
                   const std::string& domain = {}) const {
    ServiceFile result;
    result.option = option;
    result.path = directory_ + "/" + name;
    result.virtual_domain = domain;
    return result;
  }
};

TEST_F(ProtectionFiles, AreHandedOver) {
  write("limits.cfg", "# ours\n10.0.0.0|255.0.0.0:100\n:20\n");
  write("bgexcl.cfg", "10.0.0.0|255.0.0.0\n");
  write("spoof.eml", "Subject: a\r\n\r\ntext\r\n");
  const Config config = check_pop(
      "default:ConnLimits limits.cfg\ndefault:BGExcluded bgexcl.cfg\n"
      "default:SpoofMessageFile spoof.eml\n");
  EXPECT_EQ(said(config), "");
  EXPECT_EQ(
      config.services.at(1).files,
      (std::vector<ServiceFile>{file("ConnLimits", "limits.cfg"), file("BGExcluded", "bgexcl.cfg"),
                                file("SpoofMessageFile", "spoof.eml")}));
  EXPECT_TRUE(config.services.at(0).files.empty());
}

TEST_F(ProtectionFiles, AreReadByCheck) {
  write("limits.cfg", "10.0.0.0|255.0.0.0:100\n10.0.0.0|255.0.0.0\n\nx:5\n");
  write("bgexcl.cfg", "# none\nhost\n");
  write("spoof.eml", "Subject: a\r\n\r\n.text\r\n");
  const std::string text =
      said(check_pop("default:ConnLimits limits.cfg\ndefault:BGExcluded bgexcl.cfg\n"
                     "default:SpoofMessageFile spoof.eml\n"));
  for (const std::string_view part :
       {"limits.cfg:2: ConnLimits: error: '10.0.0.0|255.0.0.0' has no ':'",
        "limits.cfg:4: ConnLimits: error: 'x:5' does not begin with a network",
        "bgexcl.cfg:2: BGExcluded: error: 'host' is not a network",
        "spoof.eml:3: SpoofMessageFile: error: begins with one dot"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
}

TEST_F(ProtectionFiles, MustBeThere) {
  const std::string text = said(check_imap("default:ConnLimits limits.cfg\n"));
  EXPECT_NE(text.find("ImapProxyAService.cfg:2: ConnLimits: error: limits.cfg"), std::string::npos)
      << text;
  // Nor may they be endless.
  write("limits.cfg", std::string(300000, '#'));
  EXPECT_NE(said(check_imap("default:ConnLimits limits.cfg\n")).find("limits.cfg: ConnLimits"),
            std::string::npos);
}

TEST_F(ProtectionFiles, ValuesAreChecked) {
  const struct {
    std::string_view line;
    std::string_view part;
  } cases[] = {
      {"ConnLimits 10.0.0.0|255.0.0.0:5,:20", ""},
      {"ConnLimits \"\"", ""},
      {"ConnLimits 10.0.0.0|255.0.0.0:x", "accepted: IP|MASK:NUMBER"},
      {"TCPAccess \"+imap:10.0.0.0/8$-ALL:ALL\"", ""},
      {"TCPAccess imap:10.0.0.0/8", "accepted: +SERVICES:CLIENTS"},
      {"TCPAccess +imap:joe@ALL", "needs ident"},
  };
  for (const auto& [line, part] : cases) {
    const std::string text = said(check_imap("default:" + std::string(line) + "\n"));
    EXPECT_EQ(text.empty(), part.empty()) << line << "\n" << text;
    EXPECT_NE(text.find(part), std::string::npos) << line << "\n" << text;
  }
}

TEST_F(ProtectionFiles, OfVirtualDomainsAreHandedOver) {
  make_certificate("server");
  write("users.ldif", "dn: o=x\n");
  write("a.conf", "certmap default default\n");
  write("vdmap.cfg",
        "vdmap a 192.0.2.1\na:LdapUrl ldif:users.ldif?o=x\na:CertMapFile a.conf\n"
        "vdmap b 192.0.2.2\nb:LdapUrl ldap://h2/o=x\nb:DefaultDomain b.example\n");
  const std::string lines = "default:VirtualDomainFile vdmap.cfg\n";
  const std::vector<ServiceFile> plain{file("LdapUrl", "users.ldif", "a")};
  const Config config = check_imap(lines);
  EXPECT_EQ(said(config), "");
  EXPECT_EQ(config.services.at(0).files, plain);
  // Certificates of clients take TLS.
  const Config tls = check_imap(
      lines +
      "default:SSLEnable yes\ndefault:SSLCertFile server.pem\ndefault:SSLKeyFile server.key\n");
  const std::vector<ServiceFile>& files = tls.services.at(0).files;
  ASSERT_EQ(files.size(), 4U);
  EXPECT_EQ(files[2], file("LdapUrl", "users.ldif", "a"));
  EXPECT_EQ(files[3], file("CertMapFile", "a.conf", "a"));
}

TEST_F(ProtectionFiles, OfVirtualDomainsMustBeThere) {
  write("vdmap.cfg", "# ours\nvdmap a 192.0.2.1\na:LdapUrl ldif:none.ldif\n");
  const std::string text = said(check_imap("default:VirtualDomainFile vdmap.cfg\n"));
  EXPECT_NE(text.find("vdmap.cfg:2: LdapUrl: error: none.ldif"), std::string::npos) << text;
}

}  // namespace
}  // namespace openmmp::config
