#include "config/option_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "config/cfg_file.h"
#include "config/option_value.h"
#include "ipc/runtime/text.h"

namespace openmmp::config {
namespace {

// The fields of struct Settings as settings.h declares them, without underscores: C++ cannot be
// asked for them.
std::set<std::string> fields_of_settings() {
  std::ifstream header("config/settings.h");
  EXPECT_TRUE(header) << "run from the root of the source";
  std::set<std::string> names;
  for (std::string line; std::getline(header, line);) {
    const std::string code = line.substr(0, line.find("//"));
    const size_t space = code.find(' ', 2);
    // A long default stands in the next line, further to the right.
    const bool field = code.starts_with("  ") && !code.starts_with("   ") &&
                       (code.find(';') != std::string::npos || code.ends_with(" ="));
    if (!field || space == std::string::npos) continue;
    const size_t end = code.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", space + 1);
    std::string name = code.substr(space + 1, end - space - 1);
    std::erase(name, '_');
    names.insert(name);
  }
  return names;
}

TEST(OptionTable, HasExactlyOneRowForEveryField) {
  std::set<std::string> rows;
  for (const Option& option : options()) {
    std::string name = lower_case(option.name);
    std::erase(name, '_');  // which the names of the MTA's options have
    EXPECT_TRUE(rows.insert(name).second) << option.name << " is there twice";
  }
  EXPECT_EQ(rows, fields_of_settings());
  EXPECT_EQ(rows.size(), 147u);
}

TEST(OptionTable, UsesEveryFieldOnce) {
  for (const Option& a : options()) {
    for (const Option& b : options()) {
      EXPECT_EQ(a.member == b.member, &a == &b) << a.name << " and " << b.name;
    }
  }
}

TEST(OptionTable, RowsAreComplete) {
  for (const Option& option : options()) {
    const auto [min, max] = option.syntax.range;
    const bool number = std::holds_alternative<int Settings::*>(option.member) ||
                        std::holds_alternative<Seconds Settings::*>(option.member);
    EXPECT_EQ(number, min < max) << option.name << ": a range is for numbers, and needed there";
    EXPECT_NE(option.scope & (in_process | in_proxies), 0) << option.name;
    EXPECT_FALSE(option.help.empty()) << option.name;
    EXPECT_EQ(option.help.back(), '.') << option.name;
  }
}

// What the documentation of the original lists, by the files that it gives them to.
TEST(OptionTable, FollowsTheDocumentedScopes) {
  const struct {
    std::string_view name;
    int scope;
  } cases[] = {
      {"ServiceList", in_process},
      {"NumThreads", in_process},
      {"LogLevel", in_process | in_proxies},
      {"LdapUrl", in_proxies | in_vdmap},
      {"LDAPTimeout", in_proxies},
      {"PreAuth", in_proxies | in_vdmap},
      {"Capability", in_imap},
      {"SpoofMessageFile", in_pop},
      {"AuthService", in_pop | in_vdmap},
      {"BGMax", in_proxies},
      {"SmtpRelays", in_smtp},
      {"SmtpProxyPassword", in_smtp | in_vdmap},
      {"BacksidePort", in_stores | in_store_file},
      {"ForwardClient", in_stores | in_store_file},
      {"SSLEnable", in_proxies},
      {"SSLBacksidePort", in_proxies | in_store_file},
      {"RestrictPlainPasswords", in_proxies | in_vdmap},
  };
  for (const auto& [name, scope] : cases) {
    ASSERT_NE(find_option(name), nullptr) << name;
    EXPECT_EQ(find_option(name)->scope, scope) << name;
  }
}

TEST(OptionTable, GroupsOfStoresMaySetTheseOnly) {
  std::set<std::string_view> names;
  for (const Option& option : options()) {
    if (option.applies_to(in_store_file)) names.insert(option.name);
  }
  const std::set<std::string_view> expected = {
      "BacksidePort",   "SSLBacksidePort", "StoreStartTls",           "StoreVerify",
      "StoreCaFile",    "StoreCertFile",   "StoreFingerprints",       "StoreKeyFile",
      "ConnectTimeout", "ForwardClient",   "SourceAddresses",         "StoreLoginTimeout",
      "TellRelay",      "RelayLogin",      "SmtpProxyPasswordInClear"};
  EXPECT_EQ(names, expected);
}

TEST(OptionTable, OptionsWithoutEffectAreTheseOnly) {
  std::set<std::string_view> without;
  for (const Option& option : options()) {
    if (option.effect != Effect::now) without.insert(option.name);
  }
  const std::set<std::string_view> expected = {"SSLSecmodFile"};
  EXPECT_EQ(without, expected);
}

TEST(OptionTable, FindsByNameAndAliasWithoutCase) {
  const struct {
    std::string_view written;
    std::string_view option;
  } cases[] = {
      {"LdapURL", "LdapUrl"},
      {"LDAPURL", "LdapUrl"},
      {"ldaptimeout", "LDAPTimeout"},
      {"CertMap", "CertMapFile"},
      {"DomainDelim", "VirtualDomainDelim"},
      {"canonicalvirtual", "CanonicalVirtualDomainDelim"},
      {"AuthCacheSizeTTL", "AuthCacheTTL"},
      {"VDomain", "DefaultDomain"},
      {"sslnicknames", "SSLCertNicknames"},
  };
  for (const auto& [written, option] : cases) {
    ASSERT_NE(find_option(written), nullptr) << written;
    EXPECT_EQ(find_option(written)->name, option);
  }
  for (const std::string_view unknown : {"", "Ldap", "LdapUrlx", "default:LdapUrl"}) {
    EXPECT_EQ(find_option(unknown), nullptr) << unknown;
  }
}

TEST(OptionTable, AliasesAreNotOptionsAndLeadToOne) {
  for (const Alias& alias : aliases()) {
    ASSERT_NE(find_option(alias.name), nullptr) << alias.name;
    EXPECT_EQ(find_option(alias.name)->name, alias.option);
    EXPECT_TRUE(std::none_of(options().begin(), options().end(), [&](const Option& option) {
      return equals_ignoring_case(option.name, alias.name);
    })) << alias.name;
  }
}

TEST(OptionTable, GuessesTheNearestName) {
  const struct {
    std::string_view written;
    std::string_view nearest;  // empty: none
  } cases[] = {
      {"NumThreds", "NumThreads"},
      {"ldapurI", "LdapUrl"},
      {"MailHostAttr", "MailHostAttrs"},
      {"BindPassword", "BindPass"},
      {"TimeOuts", "Timeout"},
      {"Xyzzy", ""},
      {"", ""},
      {"LdapUrlLdapUrlLdapUrlLdapUrl", ""},
  };
  for (const auto& [written, nearest] : cases) {
    const Option* const option = nearest_option(written);
    EXPECT_EQ(option == nullptr ? "" : option->name, nearest) << written;
  }
  EXPECT_EQ(nearest_option(std::string(100'000, 'x')), nullptr);
}

TEST(OptionTable, NamesScopes) {
  EXPECT_EQ(scope_name(scope_of(Protocol::imap)), "IMAP");
  EXPECT_EQ(scope_name(scope_of(Protocol::pop)), "POP");
  EXPECT_EQ(scope_name(scope_of(Protocol::smtp)), "SMTP");
  EXPECT_EQ(scope_name(in_process), "AService.cfg");
}

}  // namespace
}  // namespace openmmp::config
