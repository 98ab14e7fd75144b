#include "config/store_groups.h"

#include <gtest/gtest.h>

#include "config/cfg_file.h"
#include "tests/unit/config/diagnostics_matchers.h"

namespace openmmp::config {
namespace {

struct Parsed {
  std::vector<StoreGroup> groups;
  std::vector<Diagnostic> diagnostics;
};

Parsed parse(std::string_view text) {
  Diagnostics out;
  std::vector<StoreGroup> groups = parse_store_file(text, "stores.cfg", out);
  return Parsed{std::move(groups), out.take()};
}

TEST(StoreGroups, ReadsGroupsAndTheirOptions) {
  const Parsed got = parse(
      "# two groups\n"
      "inner:StoreVerify no\n"
      "store inner 10.0.0.0/8 Mail.Example.com:1143 [2001:DB8::1]:143\n"
      "inner:ssLbacksideport 993\n"
      "store rest *\n"
      "inner:StoreVerify yes\n");
  EXPECT_TRUE(got.diagnostics.empty()) << all_text(got.diagnostics);
  ASSERT_EQ(got.groups.size(), 2u);
  EXPECT_EQ(got.groups[0].name, "inner");
  EXPECT_EQ(got.groups[0].hosts,
            (std::vector<std::string>{"10.0.0.0/8", "mail.example.com:1143", "[2001:db8::1]:143"}));
  EXPECT_EQ(got.groups[0].overrides, (Pairs{{"SSLBacksidePort", "993"}, {"StoreVerify", "yes"}}));
  EXPECT_EQ(got.groups[1].hosts, std::vector<std::string>{"*"});
}

TEST(StoreGroups, TheFirstThatHasAStoreCounts) {
  const Parsed got = parse(
      "store port *.example.com:1143\n"
      "store one a.example.com\n"
      "store tree *.example.com\n"
      "store ip 192.0.2.1 2001:db8::1\n"
      "store net 192.0.2.0/24 2001:db8::/32\n"
      "store rest *:110\n");
  EXPECT_TRUE(got.diagnostics.empty()) << all_text(got.diagnostics);
  const struct {
    std::string_view host;
    uint16_t port;
    std::string_view group;  // empty: none
  } cases[] = {
      {"a.example.com", 143, "one"},   {"A.Example.COM", 143, "one"},
      {"a.example.com", 1143, "port"}, {"b.a.example.com", 143, "tree"},
      {"example.com", 143, ""},        {"xexample.com", 143, ""},
      {".example.com", 143, ""},       {"192.0.2.1", 143, "ip"},
      {"192.0.2.2", 143, "net"},       {"::ffff:192.0.2.1", 143, "ip"},
      {"2001:DB8:0::1", 143, "ip"},    {"2001:db8::2", 143, "net"},
      {"203.0.113.1", 143, ""},        {"203.0.113.1", 110, "rest"},
      {"mail", 110, "rest"},           {"", 143, ""},
  };
  for (const auto& [host, port, group] : cases) {
    const StoreGroup* const found = find_store_group(got.groups, HostPort(std::string(host), port));
    EXPECT_EQ(found == nullptr ? "" : found->name, group) << host << ":" << port;
  }
  EXPECT_EQ(find_store_group({}, HostPort("a", 143)), nullptr);
}

TEST(StoreGroups, RefusesBadInput) {
  const struct {
    std::string_view line;
    std::string_view place;
    std::string_view part;
  } cases[] = {
      {"store", "stores.cfg:2: error: ", "store NAME HOST"},
      {"store b", "stores.cfg:2: error: ", "store NAME HOST"},
      {"store b:c h", "stores.cfg:2: error: ", "store NAME HOST"},
      {"store a other.example", "stores.cfg:2: error: ", "'a' is in line 1 already"},
      {"store b mail.example", "stores.cfg:2: error: ", "mail.example has a group of stores in"},
      {"store b MAIL.example", "stores.cfg:2: error: ", "in line 1 already"},
      {"store b 10.0.0.1/8", "stores.cfg:2: error: ", "192.0.2.0/24"},
      {"store b 10.0.0.0/8:143", "stores.cfg:2: error: ", "not a network"},
      {"store b h:0", "stores.cfg:2: error: ", "port"},
      {"store b h:imap", "stores.cfg:2: error: ", "port"},
      {"store b mail*.example", "stores.cfg:2: error: ", "no store"},
      {"store b *.*.example", "stores.cfg:2: error: ", "no store"},
      {"store b caf\xc3\xa9.example", "stores.cfg:2: error: ", "accepted"},
      {"store b [::1", "stores.cfg:2: error: ", "']'"},
      {"nonsense", "stores.cfg:2: error: ", "neither \"store NAME HOST"},
      {"b:StoreVerify no", "stores.cfg:2: warning: ", "no store line names 'b'"},
      {"a:Timeout 3", "stores.cfg:2: Timeout: warning: ", "group of stores"},
      {"a:StoreFile x", "stores.cfg:2: StoreFile: warning: ", "group of stores"},
      {"a:StoreVerfy no", "stores.cfg:2: StoreVerfy: warning: ", "StoreVerify meant"},
      {"a:StoreVerify maybe", "stores.cfg:2: StoreVerify: error: ", "yes or no"},
  };
  for (const auto& [line, place, part] : cases) {
    const Parsed got = parse("store a mail.example\n" + std::string(line) + "\n");
    EXPECT_EQ(got.diagnostics.size(), 1u) << line << "\n" << all_text(got.diagnostics);
    EXPECT_TRUE(says(got.diagnostics, place, part)) << all_text(got.diagnostics);
    ASSERT_EQ(got.groups.size(), 1u) << line;
    EXPECT_TRUE(got.groups[0].overrides.empty()) << line;
    EXPECT_EQ(got.groups[0].hosts.size(), 1u) << line;
  }
}

TEST(StoreGroups, IsBounded) {
  EXPECT_TRUE(says(parse(std::string(max_cfg_file + 1, '#')).diagnostics,
                   "stores.cfg: error: ", "larger than"));
}

}  // namespace
}  // namespace openmmp::config
