#include <gtest/gtest.h>
#include <sys/stat.h>

#include "config/cfg_file.h"
#include "config/config.h"
#include "config/option_value.h"
#include "tests/unit/config/diagnostics_matchers.h"
#include "tests/unit/config/instance_fixture.h"

namespace openmmp::config {
namespace {

class Load : public InstanceTest {
 protected:
  // A small instance without a mistake.
  void write_good() {
    write("AService.cfg", "default:ServiceList imapproxy@127.0.0.1:1143\n");
    write("ImapProxyAService.cfg", "default:LdapUrl ldif:users.ldif\n");
    write("users.ldif", "dn: o=x\n");
  }
};

TEST_F(Load, ReadsAnInstance) {
  write_good();
  write("AService.cfg",
        "default:ServiceList /lib/ImapProxyAService.so@127.0.0.1:1143|1993 popproxy@1110\n"
        "default:NumThreads 3\n");
  write("PopProxyAService.cfg", "default:LdapUrl ldap://h/o=x\ndefault:backsideport 1234\n");
  const Config config = load(directory_);
  EXPECT_TRUE(config.ok()) << all_text(config.diagnostics);
  EXPECT_TRUE(config.diagnostics.empty()) << all_text(config.diagnostics);
  EXPECT_EQ(config.directory, directory_);
  EXPECT_EQ(config.process.num_threads, 3);
  ASSERT_EQ(config.services.size(), 2u);
  const Service& imap = config.services[0];
  EXPECT_EQ(imap.name, "ImapProxyAService@127.0.0.1:1143|1993");
  EXPECT_EQ(imap.executable, "ImapProxyAService");
  EXPECT_EQ(imap.log_name, "ImapProxy");
  EXPECT_EQ(imap.protocol, Protocol::imap);
  EXPECT_EQ(imap.file, "ImapProxyAService.cfg");
  EXPECT_EQ(imap.section, "default");
  EXPECT_EQ(imap.listeners, (std::vector<HostPort>{{"127.0.0.1", 1143}, {"", 1993}}));
  EXPECT_EQ(imap.files, (std::vector<ServiceFile>{{"LdapUrl", directory_ + "/users.ldif", {}, 0}}));
  const Service& pop = config.services[1];
  EXPECT_EQ(pop.log_name, "PopProxy");
  EXPECT_EQ(pop.protocol, Protocol::pop);
  EXPECT_EQ(pop.settings.backside_port, 1234);
  EXPECT_EQ(pop.pairs, (Pairs{{"LdapUrl", "ldap://h/o=x"}, {"BacksidePort", "1234"}}));
  EXPECT_TRUE(pop.files.empty());
}

TEST_F(Load, WorkersComeToTheSameSettings) {
  write_good();
  write("AService.cfg",
        "default:ServiceList imapproxy@1143\ndefault:LogDir logs\ndefault:LogLevel debug\n");
  write("ImapProxyAService.cfg",
        "default:LdapUrl ldif:users.ldif\ndefault:BindPass secret\ndefault:PreAuth on\n"
        "default:MailHostAttrs a b\ndefault:LogLevel 3\n");
  const Config config = load(directory_);
  ASSERT_EQ(config.services.size(), 1u);
  const Service& service = config.services[0];
  const Settings again = settings_from(service.pairs);
  for (const Option& option : options()) {
    EXPECT_EQ(value_text(again, option), value_text(service.settings, option)) << option.name;
  }
  EXPECT_EQ(again.log_dir, "logs");
  EXPECT_EQ(again.log_level, 3);
  EXPECT_TRUE(again.bind_pass.equals("secret"));
}

TEST(SettingsFrom, SkipsWhatItDoesNotKnow) {
  const Settings settings =
      settings_from({{"FromTheFuture", "1"}, {"ldaptimeout", "7"}, {"BacksidePort", "x"}});
  EXPECT_EQ(settings.ldap_timeout, Seconds(7));
  EXPECT_EQ(settings.backside_port, 0);
}

TEST_F(Load, SectionAServiceComesFirst) {
  write_good();
  write("AService.cfg",
        "AService:NumThreads 2\ndefault:NumThreads 4\ndefault:LogDir here\n"
        "AService:ServiceList imapproxy@1143\ndefault:ServiceList popproxy@1110\n");
  const Config config = load(directory_);
  EXPECT_EQ(config.process.num_threads, 2);
  EXPECT_EQ(config.process.log_dir, "here");
  ASSERT_EQ(config.services.size(), 1u);
  EXPECT_EQ(config.services[0].executable, "ImapProxyAService");
}

TEST_F(Load, ServicesMayShareAFileBySection) {
  write("AService.cfg",
        "default:ServiceList imapproxy|all.cfg|spain@1143 imapproxy|all.cfg|italy@2143\n");
  write("all.cfg",
        "spain:LdapUrl ldap://spain/o=x\nitaly:LdapUrl ldap://italy/o=x\nitaly:Bogus 1\n"
        "Italy:Timeout 3\n");
  const Config config = load(directory_);
  EXPECT_TRUE(config.ok()) << all_text(config.diagnostics);
  ASSERT_EQ(config.services.size(), 2u);
  EXPECT_EQ(config.services[0].settings.ldap_url, Words{"ldap://spain/o=x"});
  EXPECT_EQ(config.services[1].settings.ldap_url, Words{"ldap://italy/o=x"});
  EXPECT_EQ(config.services[1].section, "italy");
  ASSERT_EQ(config.diagnostics.size(), 2u) << all_text(config.diagnostics);
  EXPECT_TRUE(says(config.diagnostics, "all.cfg:3: Bogus: warning: ", "unknown"));
  EXPECT_TRUE(says(config.diagnostics, "all.cfg:4: warning: ", "'Italy'; read are: italy, spain"));
}

TEST_F(Load, SharedFileIsComplainedAboutOnce) {
  write("AService.cfg", "default:ServiceList imapproxy|a.cfg@1143 imapproxy|a.cfg@2143\n");
  write("a.cfg", "default:LdapUrl ldap://h/o=x\nnonsense\ndefault:Bogus 1\n");
  const Config config = load(directory_);
  EXPECT_EQ(config.diagnostics.size(), 2u) << all_text(config.diagnostics);
}

TEST_F(Load, CopiesTemplatesOnlyWhereTheFileIsMissing) {
  write("AService-def.cfg", "default:ServiceList imapproxy@1143 popproxy|sub.cfg@1110\n");
  write("ImapProxyAService-def.cfg", "default:LdapUrl ldap://template/o=x\n");
  write("ImapProxyAService.cfg", "default:LdapUrl ldap://mine/o=x\n");
  write("sub-def.cfg", "default:LdapUrl ldap://sub/o=x\n");
  const Config config = load(directory_);
  EXPECT_TRUE(config.ok()) << all_text(config.diagnostics);
  EXPECT_EQ(contents("AService.cfg"), contents("AService-def.cfg"));
  EXPECT_EQ(contents("sub.cfg"), contents("sub-def.cfg"));
  EXPECT_EQ(contents("ImapProxyAService.cfg"), "default:LdapUrl ldap://mine/o=x\n");
  EXPECT_TRUE(says(config.diagnostics, "AService.cfg: note: ", "copied from AService-def.cfg"));
  EXPECT_TRUE(says(config.diagnostics, "sub.cfg: note: ", "copied from sub-def.cfg"));
  EXPECT_EQ(config.diagnostics.size(), 2u) << all_text(config.diagnostics);
  EXPECT_TRUE(load(directory_).diagnostics.empty()) << "the second time nothing is missing";
}

TEST_F(Load, ReadsTheTemplateWhereTheCopyCannotBeWritten) {
  write_good();
  std::filesystem::rename(directory_ + "/AService.cfg", directory_ + "/AService-def.cfg");
  // A link into nowhere refuses the copy to root, too.
  std::filesystem::create_symlink(directory_ + "/none/AService.cfg", directory_ + "/AService.cfg");
  const Config config = load(directory_);
  EXPECT_TRUE(config.ok()) << all_text(config.diagnostics);
  EXPECT_TRUE(says(config.diagnostics, "AService.cfg: warning: ", "AService-def.cfg is read"));
  EXPECT_EQ(config.services.size(), 1u);
}

TEST_F(Load, NamesMissingFiles) {
  const Config empty = load(directory_);
  EXPECT_FALSE(empty.ok());
  EXPECT_TRUE(says(empty.diagnostics, "AService.cfg: error: ", "template AService-def.cfg"));
  write("AService.cfg", "default:ServiceList imapproxy@1143 popproxy|pop.conf@1110\n");
  const Config config = load(directory_);
  EXPECT_FALSE(config.ok());
  EXPECT_TRUE(says(config.diagnostics, "ImapProxyAService.cfg: error: ", "is missing"));
  EXPECT_TRUE(says(config.diagnostics, "pop.conf: error: ", "is missing"));
}

TEST_F(Load, RefusesADirectoryThatIsNone) {
  for (const std::string& bad : {directory_ + "/none", std::string(), std::string(5000, 'x')}) {
    const Config config = load(bad);
    EXPECT_FALSE(config.ok());
    ASSERT_EQ(config.diagnostics.size(), 1u) << all_text(config.diagnostics);
    EXPECT_TRUE(says(config.diagnostics, bad, "no instance directory"));
  }
}

TEST_F(Load, RefusesFilesThatAreNone) {
  write_good();
  std::filesystem::remove(directory_ + "/ImapProxyAService.cfg");
  ASSERT_EQ(mkfifo((directory_ + "/ImapProxyAService.cfg").c_str(), 0600), 0);
  EXPECT_TRUE(
      says(load(directory_).diagnostics, "ImapProxyAService.cfg: error: ", "not a regular file"));
  std::filesystem::remove(directory_ + "/ImapProxyAService.cfg");
  std::filesystem::create_directory(directory_ + "/ImapProxyAService.cfg");
  EXPECT_FALSE(load(directory_).ok());
  std::filesystem::remove(directory_ + "/ImapProxyAService.cfg");
  write("ImapProxyAService.cfg", std::string(max_cfg_file + 1, '#'));
  EXPECT_TRUE(says(load(directory_).diagnostics, "ImapProxyAService.cfg: error: ", "larger than"));
}

TEST_F(Load, ServiceListMustNameSomethingThatCanStart) {
  write_good();
  write("PopProxyAService.cfg", "default:LdapUrl ldap://h/o=x\n");
  const struct {
    std::string_view lines;
    std::string_view place;
    std::string_view part;
  } cases[] = {
      {"", "AService.cfg: ServiceList: error: ", "names no service"},
      {"default:ServiceList \"\"\n", "AService.cfg:1: ServiceList: error: ", "names no service"},
      {"default:ServiceList submitproxy@1587\n",
       "SmtpProxyAService.cfg: error: ", "template SmtpProxyAService-def.cfg"},
      {"default:ServiceList Nope@1\n", "AService.cfg:1: ServiceList: error: ", "known module"},
      {"default:ServiceList imapproxy@1143 popproxy@1143\n",
       "AService.cfg:1: ServiceList: error: ", "collides"},
      {"default:ServiceList imapproxy@1143 popproxy@x\n",
       "AService.cfg:1: ServiceList: error: ", "no port"},
      {"other:ServiceList imapproxy@1143\n", "AService.cfg: ServiceList: error: ", "no service"},
  };
  for (const auto& [lines, place, part] : cases) {
    write("AService.cfg", lines);
    const Config config = load(directory_);
    EXPECT_EQ(count(config.diagnostics, Severity::error), 1u) << all_text(config.diagnostics);
    EXPECT_TRUE(says(config.diagnostics, place, part)) << all_text(config.diagnostics);
  }
}

TEST_F(Load, FilesThatWorkersNeedMustBeReadable) {
  write_good();
  make_certificate("ca");
  write("ImapProxyAService.cfg", "default:LdapUrl \"ldif:" + directory_ +
                                     "/users.ldif?o=My Company\"\n"
                                     "default:LdapCaFile ca.pem\n");
  const Config config = load(directory_);
  EXPECT_TRUE(config.ok()) << all_text(config.diagnostics);
  EXPECT_EQ(config.services.at(0).files,
            (std::vector<ServiceFile>{{"LdapUrl", directory_ + "/users.ldif", {}, 0},
                                      {"LdapCaFile", directory_ + "/ca.pem", {}, 0}}));
  const struct {
    std::string_view lines;
    std::string_view place;
    std::string_view part;
  } cases[] = {
      {"#\ndefault:LdapUrl ldif:none.ldif\n",
       "ImapProxyAService.cfg:2: LdapUrl: error: ", "none.ldif: No such file"},
      {"default:LdapUrl ldif:.\n", "ImapProxyAService.cfg:1: LdapUrl: error: ", "regular file"},
      {"default:LdapUrl ldap://h/\ndefault:LdapCaFile none.pem\n",
       "ImapProxyAService.cfg:2: LdapCaFile: error: ", "none.pem"},
      {"default:Timeout 60\n", "ImapProxyAService.cfg: LdapUrl: error: ", "is not set"},
      {"default:LdapUrl \"\"\n", "ImapProxyAService.cfg:1: LdapUrl: error: ", "is not set"},
  };
  for (const auto& [lines, place, part] : cases) {
    write("ImapProxyAService.cfg", lines);
    const Config bad = load(directory_);
    EXPECT_EQ(count(bad.diagnostics, Severity::error), 1u) << all_text(bad.diagnostics);
    EXPECT_TRUE(says(bad.diagnostics, place, part)) << all_text(bad.diagnostics);
  }
}

TEST_F(Load, ReadsTheVdmap) {
  write_good();
  write("ImapProxyAService.cfg",
        "default:LdapUrl ldif:users.ldif\ndefault:VirtualDomainFile map.cfg\n");
  Config config = load(directory_);
  EXPECT_TRUE(config.ok()) << all_text(config.diagnostics);
  EXPECT_TRUE(says(config.diagnostics, "ImapProxyAService.cfg:2: VirtualDomainFile: warning: ",
                   "map.cfg: No such file"));
  write("map.cfg", "vdmap a 192.0.2.1\na:DefaultDomain a.org\n");
  config = load(directory_);
  ASSERT_EQ(config.services.at(0).virtual_domains.size(), 1u);
  EXPECT_EQ(config.services[0].virtual_domains[0].overrides, (Pairs{{"DefaultDomain", "a.org"}}));
  EXPECT_TRUE(config.diagnostics.empty()) << all_text(config.diagnostics);
  write("map.cfg", "vdmap a nowhere\n");
  EXPECT_TRUE(says(load(directory_).diagnostics, "map.cfg:1: error: ", "not an IP address"));
}

TEST_F(Load, GoesOnBehindTheFirstMistake) {
  write("AService.cfg", "nonsense\ndefault:ServiceList imapproxy@1143 Nope@2\n");
  write("ImapProxyAService.cfg",
        "default:Timeout x\ndefault:BindPass \"open\ndefault:LdapUrl ldif:none\n");
  const Config config = load(directory_);
  EXPECT_EQ(count(config.diagnostics, Severity::error), 5u) << all_text(config.diagnostics);
}

TEST(PathIn, LeavesAbsolutePathsAlone) {
  EXPECT_EQ(path_in("/mmp", "log"), "/mmp/log");
  EXPECT_EQ(path_in("/mmp", "/var/log"), "/var/log");
}

// The two examples of the original's administration guide.
TEST(Examples, Imap) {
  const Config config = load("tests/unit/config/data/imap_example");
  // Its certificates are in databases of NSS, and all else about it is good.
  EXPECT_EQ(count(config.diagnostics, Severity::error), 2u) << all_text(config.diagnostics);
  for (const std::string_view option : {"13: SSLCertFile: error: ", "14: SSLKeyFile: error: "}) {
    EXPECT_TRUE(says(config.diagnostics, "ImapProxyAService.cfg:" + std::string(option),
                     "pk12util -o x.p12 -n NICKNAME -d DIRECTORY, then openssl pkcs12 -in x.p12"));
  }
  EXPECT_EQ(config.process.num_threads, 2);
  ASSERT_EQ(config.services.size(), 1u);
  const Settings& settings = config.services[0].settings;
  EXPECT_EQ(settings.ldap_url, Words{"ldap://phonebook/o=Siroe.com"});
  EXPECT_EQ(settings.bind_dn, "cn=Directory Manager");
  EXPECT_TRUE(settings.bind_pass.equals("secret"));
  EXPECT_TRUE(settings.capability.starts_with("IMAP4 IMAP4rev1 ACL "));
  EXPECT_EQ(settings.ssl_cert_nicknames, (Words{"Siroe.com", "Server-Cert"}));
  EXPECT_EQ(settings.ssl_key_passwd_file, "");
  EXPECT_EQ(settings.ssl_backside_port, 993);
  EXPECT_EQ(settings.backside_port, 143);
  EXPECT_EQ(settings.default_domain, "Siroe.com");
  EXPECT_TRUE(says(config.diagnostics,
                   "ImapProxyAService.cfg:20: VirtualDomainFile: warning: ", "no virtual domains"));
  EXPECT_TRUE(says(config.diagnostics,
                   "ImapProxyAService.cfg:35: BGExcluded: warning: ", "no address is excluded"));
  EXPECT_TRUE(says(config.diagnostics, "ImapProxyAService.cfg:28: AuthService: warning: ", "POP"));
}

TEST(Examples, Pop) {
  const Config config = load("tests/unit/config/data/pop_example");
  EXPECT_TRUE(config.ok()) << all_text(config.diagnostics);
  EXPECT_EQ(config.process.num_threads, 4);
  ASSERT_EQ(config.services.size(), 1u);
  EXPECT_EQ(config.services[0].protocol, Protocol::pop);
  const Settings& settings = config.services[0].settings;
  EXPECT_TRUE(settings.bind_pass.equals("password"));
  EXPECT_EQ(settings.backside_port, 110);
  EXPECT_EQ(settings.auth_service_ttl, 0);
  EXPECT_TRUE(says(config.diagnostics, "PopProxyAService.cfg:8: Capability: warning: ", "IMAP"));
}

// Those of the guide's chapter on the SMTP proxy.
TEST(Examples, Smtp) {
  const Config config = load("tests/unit/config/data/smtp_example");
  EXPECT_TRUE(config.ok()) << all_text(config.diagnostics);
  EXPECT_TRUE(config.diagnostics.empty()) << all_text(config.diagnostics);
  ASSERT_EQ(config.services.size(), 2u);
  EXPECT_EQ(config.services[0].settings.auth_service_ttl, 900);
  const Service& smtp = config.services[1];
  EXPECT_EQ(smtp.name, "SmtpProxyAService@25|587");
  EXPECT_EQ(smtp.executable, "SmtpProxyAService");
  EXPECT_EQ(smtp.log_name, "SmtpProxy");
  EXPECT_EQ(smtp.protocol, Protocol::smtp);
  EXPECT_EQ(smtp.listeners, (std::vector<HostPort>{{"", 25}, {"", 587}}));
  EXPECT_EQ(smtp.settings.smtp_relays, (Words{"manatee:485", "gonzo", "mothra"}));
  EXPECT_TRUE(smtp.settings.smtp_proxy_password.equals("A_Password"));
  EXPECT_EQ(smtp.settings.ehlo_keywords, Words{"TURN"});
  EXPECT_EQ(smtp.settings.pop_before_smtp_kludge_channel, "tcp_intranet");
  EXPECT_TRUE(smtp.settings.client_lookup);
  EXPECT_EQ(smtp.settings.failover_timeout, Seconds(10));
}

}  // namespace
}  // namespace openmmp::config
