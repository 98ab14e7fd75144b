#include "config/options_doc.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "config/option_table.h"

namespace openmmp::config {
namespace {

constexpr const char* page = "docs/options.md";

// OPENMMP_WRITE_DOCS=1 in the environment makes the page anew.
TEST(OptionsDoc, PageIsTheTable) {
  const char* const write = std::getenv("OPENMMP_WRITE_DOCS");
  if (write != nullptr && std::string(write) == "1") std::ofstream(page) << options_markdown();
  std::ifstream in(page);
  const std::string written(std::istreambuf_iterator<char>(in), {});
  EXPECT_TRUE(written == options_markdown())
      << page << " is out of date: run this test with OPENMMP_WRITE_DOCS=1";
}

TEST(OptionsDoc, HasARowForEveryOption) {
  const std::string text = options_markdown();
  for (const Option& option : options()) {
    const std::string start = "\n| `" + std::string(option.name) + "` | ";
    const size_t at = text.find(start);
    ASSERT_NE(at, std::string::npos) << option.name;
    EXPECT_EQ(text.find(start, at + 1), std::string::npos) << option.name << " is there twice";
    // Eight unescaped bars make seven cells.
    const std::string row = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    int bars = 0;
    for (size_t i = 0; i < row.size(); ++i) {
      if (row[i] == '|' && (i == 0 || row[i - 1] != '\\')) ++bars;
    }
    EXPECT_EQ(bars, 8) << row;
  }
}

TEST(OptionsDoc, RowsSayTypeDefaultPlaceAndEffect) {
  const std::string text = options_markdown();
  for (const std::string_view row : {
           "| `LDAPTimeout` | number, 1 to 3600 seconds | `25` | IPS | yes | mmp | ",
           "| `LdapVerify` | boolean | `yes` | IPS | yes | ours | ",
           "| `HostedDomains` | boolean | `yes` | IPSV | yes | mmp | ",
           "| `BindPass` | secret |  | IPSV | yes | mmp | ",
           "| `LogLevel` | level, 0 to 100 | `5` | AIPS | yes | mmp | ",
           "| `ConnLimits` | limits | `0.0.0.0\\|0.0.0.0:20` | IPS | yes | mmp | ",
           "| `AuthServiceTTL` | number, -1 to 31622400 seconds | `-1` | PV | yes | mmp | ",
           "| `SmtpRelays` | hosts |  | S | yes | mmp | ",
           "| `SharedState` | redis URLs |  | A | yes | ours | ",
           "| `TellRelay` | auto or xproxyehlo or xclient or proxy1 or proxy2 or none | `auto` | "
           "SF "
           "| yes | ours | ",
           "| `VDomain` | `DefaultDomain` |",
       }) {
    EXPECT_NE(text.find(row), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace openmmp::config
