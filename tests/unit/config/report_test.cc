#include "config/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "config/option_table.h"
#include "tests/unit/config/instance_fixture.h"

namespace openmmp::config {
namespace {

class Report : public InstanceTest {
 protected:
  void SetUp() override {
    write("AService.cfg", "default:ServiceList imapproxy@127.0.0.1:1143|1993\n");
    write("ImapProxyAService.cfg",
          "default:LdapUrl ldap://h/o=x\ndefault:BindPass hunter2\ndefault:MailHostAttrs a b\n"
          "default:VirtualDomainFile map\ndefault:Timeout 60\ndefault:StoreAdminPass hunter2\n"
          "default:SSLSecmodFile x\n");
    write("map", "vdmap a 192.0.2.1\na:BindPass hunter2\na:DefaultDomain a.org\n");
  }
};

TEST_F(Report, TextForPeople) {
  EXPECT_EQ(check_text(load(directory_)),
            "ImapProxyAService.cfg:7: SSLSecmodFile: note: accepted so that older files load, has "
            "no effect\n"
            "\n"
            "instance " +
                directory_ +
                "\n"
                "  ServiceList                  imapproxy@127.0.0.1:1143|1993\n"
                "  13 options as by default\n"
                "\n"
                "service ImapProxyAService@127.0.0.1:1143|1993\n"
                "  ImapProxyAService reads section default of ImapProxyAService.cfg and listens on "
                "127.0.0.1:1143 *:1993\n"
                "  LdapUrl                      ldap://h/o=x\n"
                "  BindPass                     ***\n"
                "  MailHostAttrs                a b\n"
                "  VirtualDomainFile            map\n"
                "  StoreAdminPass               ***\n"
                "  Timeout                      60\n"
                "  SSLSecmodFile                x\n"
                "  112 options as by default\n"
                "  virtual domain a at 192.0.2.1: 2 options\n"
                "\n"
                "ok: 0 errors, 0 warnings, 1 note\n");
}

TEST_F(Report, TextSaysThatNothingStarts) {
  write("ImapProxyAService.cfg", "default:LdapUrl ldap://h/o=x\ndefault:Timeout soon\n");
  const std::string text = check_text(load(directory_));
  EXPECT_TRUE(text.starts_with("ImapProxyAService.cfg:2: Timeout: error: 'soon' is not a whole "));
  EXPECT_TRUE(text.ends_with("\nnot ok, nothing starts: 1 error, 0 warnings, 0 notes\n")) << text;
}

TEST_F(Report, Json) {
  const auto json = nlohmann::json::parse(check_json(load(directory_)));
  EXPECT_EQ(json["ok"], true);
  EXPECT_EQ(json["directory"], directory_);
  ASSERT_EQ(json["diagnostics"].size(), 1u);
  EXPECT_EQ(json["diagnostics"][0], nlohmann::json({{"severity", "note"},
                                                    {"file", "ImapProxyAService.cfg"},
                                                    {"line", 7},
                                                    {"option", "SSLSecmodFile"},
                                                    {"text",
                                                     "accepted so that older files load, "
                                                     "has no effect"}}));
  EXPECT_EQ(json["process"]["NumThreads"], 0);
  EXPECT_FALSE(json["process"].contains("LdapUrl"));
  ASSERT_EQ(json["services"].size(), 1u);
  const auto& service = json["services"][0];
  EXPECT_EQ(service["name"], "ImapProxyAService@127.0.0.1:1143|1993");
  EXPECT_EQ(service["executable"], "ImapProxyAService");
  EXPECT_EQ(service["listeners"], nlohmann::json({"127.0.0.1:1143", "*:1993"}));
  EXPECT_EQ(service["file"], "ImapProxyAService.cfg");
  EXPECT_EQ(service["section"], "default");
  const auto& settings = service["settings"];
  EXPECT_EQ(settings["BindPass"], "***");
  EXPECT_FALSE(settings.contains("SmtpRelays"));
  EXPECT_EQ(settings["MailHostAttrs"], nlohmann::json({"a", "b"}));
  EXPECT_EQ(settings["Timeout"], 60);
  EXPECT_EQ(settings["PreAuth"], false);
  EXPECT_EQ(settings["AdminPolicy"], "simple");
  EXPECT_EQ(service["virtual_domains"][0]["settings"],
            nlohmann::json({{"BindPass", "***"}, {"DefaultDomain", "a.org"}}));
}

TEST_F(Report, JsonHasEveryOptionOfTheProtocol) {
  const auto json = nlohmann::json::parse(check_json(load(directory_)));
  const auto& settings = json["services"][0]["settings"];
  for (const Option& option : options()) {
    EXPECT_EQ(settings.contains(std::string(option.name)), option.applies_to(in_imap))
        << option.name;
  }
}

TEST_F(Report, SecretsAreNotShown) {
  const Config config = load(directory_);
  EXPECT_EQ(check_text(config).find("hunter2"), std::string::npos);
  EXPECT_EQ(check_json(config).find("hunter2"), std::string::npos);
}

TEST_F(Report, JsonSurvivesBytesThatAreNotUtf8) {
  write("ImapProxyAService.cfg", "default:LdapUrl ldap://h/o=x\ndefault:Banner caf\xe9\n");
  const Config config = load(directory_);
  EXPECT_TRUE(nlohmann::json::accept(check_json(config)));
}

TEST_F(Report, ReportsAnInstanceThatIsNone) {
  const auto json = nlohmann::json::parse(check_json(load(directory_ + "/none")));
  EXPECT_EQ(json["ok"], false);
  EXPECT_TRUE(json["services"].empty());
  EXPECT_GE(json["diagnostics"].size(), 1u);
}

}  // namespace
}  // namespace openmmp::config
