#include "config/section.h"

#include <gtest/gtest.h>

#include "tests/unit/config/diagnostics_matchers.h"

namespace openmmp::config {
namespace {

constexpr std::string_view default_only[] = {"default"};

struct Read {
  Section section;
  std::vector<Diagnostic> diagnostics;
};

Read read(std::string_view text, Scope scope,
          std::span<const std::string_view> names = default_only) {
  Diagnostics out;
  Section section = read_section(parse_cfg(text), "x.cfg", names, scope, out);
  return Read{std::move(section), out.take()};
}

TEST(Section, TakesTheLinesOfItsSectionOnly) {
  const Read got = read("default:BindDN cn=a\nDefault:Timeout 3\nspain:Timeout 4\n", in_imap);
  EXPECT_EQ(got.section.settings.bind_dn, "cn=a");
  EXPECT_EQ(got.section.settings.timeout, Seconds(1800));
  EXPECT_EQ(got.section.pairs(), (Pairs{{"BindDN", "cn=a"}}));
  EXPECT_TRUE(got.diagnostics.empty()) << all_text(got.diagnostics);
}

TEST(Section, LaterLineWinsWhateverItsSpelling) {
  const Read got = read("default:VDomain a.org\ndefault:defaultdomain b.org\n", in_imap);
  EXPECT_EQ(got.section.settings.default_domain, "b.org");
  EXPECT_EQ(got.section.pairs(), (Pairs{{"DefaultDomain", "b.org"}}));
  EXPECT_EQ(got.section.find("DefaultDomain")->line, 2);
  ASSERT_EQ(got.diagnostics.size(), 1u);
  EXPECT_TRUE(says(got.diagnostics, "x.cfg:1: DefaultDomain: note: ", "line 2"));
}

TEST(Section, MoreSpecificSectionWinsOverOrder) {
  const std::string_view names[] = {"default", "AService"};
  const Read got = read("AService:NumThreads 2\ndefault:NumThreads 4\n", in_process, names);
  EXPECT_EQ(got.section.settings.num_threads, 2);
}

TEST(Section, BadValueIsAnErrorAndIsNotHandedOn) {
  const Read got = read("\ndefault:LDAPTimeout soon\n", in_imap);
  EXPECT_TRUE(says(got.diagnostics, "x.cfg:2: LDAPTimeout: error: ", "'soon'"));
  EXPECT_TRUE(got.section.pairs().empty());
  EXPECT_EQ(got.section.find("LDAPTimeout"), nullptr);
}

TEST(Section, UnknownOptionIsAWarningThatNamesTheNearest) {
  const Read got = read("default:LdapTimout 3\ndefault:Xyzzyxyzzy 3\n", in_imap);
  ASSERT_EQ(got.diagnostics.size(), 2u);
  EXPECT_TRUE(says(got.diagnostics, "x.cfg:1: LdapTimout: warning: ", "is LDAPTimeout meant?"));
  EXPECT_TRUE(says(got.diagnostics, "x.cfg:2: Xyzzyxyzzy: warning: ", "unknown option"));
  EXPECT_FALSE(says(got.diagnostics, "x.cfg:2: ", "meant"));
}

TEST(Section, OptionOfAnotherProtocolIsAWarningAndIgnored) {
  const struct {
    std::string_view line;
    Scope scope;
    std::string_view owner;
  } cases[] = {
      {"default:SpoofEmptyMailbox yes", in_imap, "belongs to: POP"},
      {"default:Capability IMAP4", in_pop, "belongs to: IMAP"},
      {"default:SmtpRelays a", in_imap, "belongs to: SMTP"},
      {"default:BacksidePort 25", in_smtp, "belongs to: IMAP, POP"},
      {"default:LdapUrl ldap://h/", in_process, "belongs to: IMAP, POP, SMTP"},
      {"default:NumThreads 1", in_imap, "belongs to: AService.cfg"},
  };
  for (const auto& [line, scope, owner] : cases) {
    const Read got = read(line, scope);
    ASSERT_EQ(got.diagnostics.size(), 1u) << line;
    EXPECT_EQ(got.diagnostics[0].severity, Severity::warning);
    EXPECT_TRUE(says(got.diagnostics, "x.cfg:1: ", owner)) << all_text(got.diagnostics);
    EXPECT_TRUE(got.section.pairs().empty()) << line;
  }
}

TEST(Section, SaysWhatHasNoEffect) {
  const struct {
    std::string_view line;
    Scope scope;
    bool noted;
  } cases[] = {
      {"default:SSLSecmodFile other.db", in_imap, true},
      {"default:SharedState redis://h", in_process, false},
      {"default:NumThreads 77", in_process, false},
  };
  for (const auto& [line, scope, noted] : cases) {
    const Read got = read(line, scope);
    EXPECT_EQ(says(got.diagnostics, "x.cfg:1: ", "has no effect"), noted) << line;
    EXPECT_EQ(count(got.diagnostics, Severity::note), noted ? 1u : 0u) << line;
    EXPECT_EQ(got.section.pairs().size(), 1u) << line;
  }
}

TEST(Section, SaysWhatNeverHasAnEffect) {
  const Read got = read("default:SSLSecmodFile secmod.db", in_imap);
  EXPECT_TRUE(says(got.diagnostics, "x.cfg:1: SSLSecmodFile: note: ", "has no effect"));
  EXPECT_TRUE(read("default:SSLSecmodFile \"\"", in_imap).diagnostics.empty());
}

TEST(Section, SeveralQuotedWordsAreForOptionsThatTakeThem) {
  const Read got = read("default:AdminGroups \"cn=a, o=x\" \"cn=b\"\n", in_imap);
  EXPECT_TRUE(got.diagnostics.empty()) << all_text(got.diagnostics);
  EXPECT_EQ(got.section.settings.admin_groups, (Words{"cn=a, o=x", "cn=b"}));
  EXPECT_EQ(settings_from(got.section.pairs()).admin_groups, got.section.settings.admin_groups);
  const Read bad = read("default:Banner \"a\" \"b\"\n", in_imap);
  EXPECT_TRUE(says(bad.diagnostics, "x.cfg:1: Banner: error: ", "one pair of quotes"));
  EXPECT_TRUE(bad.section.pairs().empty());
}

TEST(Section, DiagnosticsAreOrderedByLineAndSaidOnce) {
  Diagnostics out;
  out.error({"b.cfg", 9, {}}, "late");
  out.warning({"a.cfg", 2, {}}, "other");
  out.note({"b.cfg", 1, "X"}, "early");
  out.error({"b.cfg", 9, {}}, "late");
  EXPECT_EQ(all_text(out.take()),
            "b.cfg:1: X: note: early\nb.cfg:9: error: late\na.cfg:2: warning: other\n");
}

}  // namespace
}  // namespace openmmp::config
