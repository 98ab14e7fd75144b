#include "config/config.h"
#include "instance_fixture.h"

namespace openmmp::config {
namespace {

class ProcessRules : public InstanceTest {
 protected:
  // What is said of these lines of AService.cfg; empty: nothing.
  std::string said_of(const std::string& lines) {
    write("ImapProxyAService.cfg", "default:LdapUrl ldap://h/\n");
    write("AService.cfg", "default:ServiceList ImapProxyAService@143\n" + lines);
    std::string text;
    for (const Diagnostic& diagnostic : load(directory_).diagnostics) {
      const bool is_error = diagnostic.severity == Severity::error;
      if (diagnostic.to_string().find("SharedState") == std::string::npos) continue;
      text += (is_error ? "error " : "warning ") + diagnostic.to_string() + "\n";
    }
    return text;
  }
};

TEST_F(ProcessRules, SharedStateIsChecked) {
  make_certificate("ca");
  write("none.pem", "no certificate");
  const std::string set = "default:SharedState rediss://cache\n";
  const struct {
    std::string lines;
    std::string_view begins;
    std::string_view holds;
  } cases[] = {
      {set, "", ""},
      {set + "default:SharedStateCaFile ca.pem\ndefault:SharedStatePassword x\n", "", ""},
      {set + "default:SharedStateCaFile missing.pem\n", "error AService.cfg:3", "missing.pem"},
      {set + "default:SharedStateCaFile none.pem\n", "error AService.cfg:3", "none.pem"},
      {set + "default:SharedStatePrefix " + std::string(257, 'x') + "\n", "error AService.cfg:3",
       "longer than 256"},
      {"default:SharedStatePassword x\n", "warning AService.cfg:2", "without SharedState"},
      {"default:SharedState http://cache\n", "error AService.cfg:2", "accepted: redis://"},
  };
  for (const auto& [lines, begins, holds] : cases) {
    const std::string said = said_of(lines);
    EXPECT_EQ(said.empty(), begins.empty()) << lines << said;
    EXPECT_TRUE(said.starts_with(begins)) << lines << said;
    EXPECT_NE(said.find(holds), std::string::npos) << lines << said;
  }
}

}  // namespace
}  // namespace openmmp::config
