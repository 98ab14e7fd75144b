#include "workers/directory/certmap.h"

#include <gtest/gtest.h>

#include "workers/directory/filter.h"

namespace openmmp::directory {
namespace {

using namespace std::string_literals;

const std::string ca = "CN=Our CA,O=Example,C=US";

std::string text_of(const std::vector<config::CfgFault>& faults) {
  std::string text;
  for (const config::CfgFault& fault : faults) {
    text += std::to_string(fault.line) + ": " + fault.text + "\n";
  }
  return text;
}

CertMap map_of(const std::string& text) {
  ParsedCertMap parsed = parse_certmap(text);
  EXPECT_EQ(text_of(parsed.errors), "") << text;
  return std::move(parsed.map);
}

// "BASE FILTER", or "refused".
std::string outcome(const CertMap& map, const std::string& subject,
                    const std::string& issuer = ca) {
  const Result<CertLookup> lookup = map.apply(subject, issuer);
  if (!lookup) return lookup.error().code == Errc::refused ? "refused" : "another error";
  EXPECT_TRUE(parse_filter(lookup->filter)) << lookup->filter;
  EXPECT_TRUE(Dn::parse(lookup->base)) << lookup->base;
  return lookup->base + " " + lookup->filter;
}

std::string with_default(const std::string& properties) {
  return "certmap default default\n" + properties;
}

TEST(CertMap, Properties) {
  const std::string subject =
      "emailAddress=joe@example.com,CN=Joe Doe,OU=People,O=Example,DC=example,DC=com";
  const struct {
    std::string properties;
    const char* outcome;
  } cases[] = {
      {"",
       "emailaddress=joe@example.com,cn=Joe Doe,ou=People,o=Example,dc=example,dc=com "
       "(objectclass=*)"},
      {"default:DNComps o\n", "o=Example (objectclass=*)"},
      {"default:DNComps ou, o\n", "ou=People,o=Example (objectclass=*)"},
      {"default:DNComps dc\n", "dc=example,dc=com (objectclass=*)"},
      {"default:DNComps o=dc\n", "dc=Example (objectclass=*)"},
      {"default:DNComps\ndefault:FilterComps e=mail\n", " (mail=joe@example.com)"},
      {"default:DNComps \"\"\ndefault:FilterComps e\n", " (mail=joe@example.com)"},
      {"default:DNComps o\ndefault:dncomps\ndefault:FILTERCOMPS E\n", " (mail=joe@example.com)"},
      {"default:DNComps dc\ndefault:FilterComps emailAddress\n",
       "dc=example,dc=com (mail=joe@example.com)"},
      {"default:DNComps dc\ndefault:FilterComps 1.2.840.113549.1.9.1=mailAlternateAddress\n",
       "dc=example,dc=com (mailAlternateAddress=joe@example.com)"},
      {"default:DNComps o\ndefault:FilterComps mail , commonName=cn\n",
       "o=Example (&(mail=joe@example.com)(cn=Joe Doe))"},
      {"default:FilterComps\ndefault:DNComps o\n", "o=Example (objectclass=*)"},
      {"default:CmapLdapAttr certSubjectDN\n",
       " (certSubjectDN=emailaddress=joe@example.com,cn=Joe Doe,ou=People,o=Example,dc=example,"
       "dc=com)"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(outcome(map_of(with_default(c.properties)), subject), c.outcome) << c.properties;
  }
}

TEST(CertMap, TheDocumentedExample) {
  const CertMap map = map_of(with_default("default:DNComps o\ndefault:FilterComps ou=uid\n"));
  EXPECT_EQ(outcome(map, "cn=Pilar Lorca, ou=pilar, o=siroe.com"), "o=siroe.com (uid=pilar)");
}

TEST(CertMap, OnlyTheBaseWhereNoFilterIs) {
  EXPECT_TRUE(map_of(with_default("")).apply("cn=joe", ca)->base_only);
  EXPECT_TRUE(map_of(with_default("default:DNComps cn\n")).apply("cn=joe", ca)->base_only);
  EXPECT_FALSE(map_of(with_default("default:FilterComps cn\n")).apply("cn=joe", ca)->base_only);
  EXPECT_FALSE(map_of(with_default("default:CmapLdapAttr a\n")).apply("cn=joe", ca)->base_only);
}

TEST(CertMap, VerifyCert) {
  EXPECT_FALSE(map_of(with_default("")).apply("cn=joe", ca)->verify_cert);
  EXPECT_TRUE(map_of(with_default("default:verifycert on\n")).apply("cn=joe", ca)->verify_cert);
  EXPECT_TRUE(map_of(with_default("default:VerifyCert ON\ndefault:CmapLdapAttr a\n"))
                  .apply("cn=joe", ca)
                  ->verify_cert);
  EXPECT_FALSE(map_of(with_default("default:verifycert on\ndefault:verifycert off\n"))
                   .apply("cn=joe", ca)
                   ->verify_cert);
}

TEST(CertMap, TheIssuerChooses) {
  const CertMap map = map_of(
      "# order does not matter\n"
      "ours:FilterComps cn=uid\n"
      "certmap ours CN=Our CA, O=Example, C=US\n"
      "ours:DNComps\n"
      "certmap default default\r\n"
      "default:DNComps\n"
      "default:FilterComps e=mail\n"
      "certmap other E=ca@example.org,O=Other\\, Inc.\n"
      "other:DNComps\n"
      "other:FilterComps cn\n");
  const struct {
    const char* issuer;
    const char* outcome;
  } cases[] = {
      {"CN=Our CA,O=Example,C=US", " (uid=joe)"},
      {"cn=our ca,o=EXAMPLE,c=us", " (uid=joe)"},
      {"commonName=Our CA,2.5.4.10=Example,C=US", " (uid=joe)"},
      {"C=US,O=Example,CN=Our CA", " (mail=j@x)"},
      {"CN=Our CA,O=Example", " (mail=j@x)"},
      {"CN=Our CA,O=Example,C=US,DC=x", " (mail=j@x)"},
      {"emailAddress=ca@example.org,O=Other\\, Inc.", " (cn=joe)"},
      {"emailAddress=ca@example.org,O=Other\\2C Inc.", " (cn=joe)"},
      {"emailAddress=ca@example.org,O=Other,O=Inc.", " (mail=j@x)"},
      {"", "refused"},
      {"default", "refused"},
      {"CN=Our CA,O", "refused"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(outcome(map, "emailAddress=j@x,CN=joe", c.issuer), c.outcome) << c.issuer;
  }
}

TEST(CertMap, ASubjectThatLeavesAChoiceIsRefused) {
  const CertMap map = map_of(with_default("default:DNComps o\ndefault:FilterComps cn=uid\n"));
  EXPECT_EQ(outcome(map, "CN=joe,O=x"), "o=x (uid=joe)");
  EXPECT_EQ(outcome(map, "CN=joe,OU=a,OU=b,O=x"), "o=x (uid=joe)");
  for (const std::string& subject : {""s,
                                     " "s,
                                     "O=x"s,
                                     "CN=joe"s,
                                     "CN=,O=x"s,
                                     "CN=joe,O="s,
                                     "CN=joe,CN=bob,O=x"s,
                                     "CN=joe,commonName=bob,O=x"s,
                                     "CN=joe,2.5.4.3=joe,O=x"s,
                                     "CN=joe,CN=joe,O=x"s,
                                     "CN=joe,O=x,O=y"s,
                                     "CN=joe+UID=bob,O=x"s,
                                     "CN=joe+CN=bob,O=x"s,
                                     "CN=joe,OU=a+OU=b,O=x"s,
                                     "CN=joe,OU=,O=x"s,
                                     "CN=\\FF,O=x"s,
                                     "CN=\\C3,O=x"s,
                                     "joe"s,
                                     "CN=joe,O=x,"s,
                                     "CN=joe;O=x"s,
                                     "CN=joe\\,O=x"s,
                                     "CN=\"joe\",O=x"s,
                                     "CN=jo\0e,O=x"s,
                                     "CN=" + std::string(100000, 'x')}) {
    EXPECT_EQ(outcome(map, subject), "refused") << subject.substr(0, 100);
  }
  const CertMap whole = map_of(with_default(""));
  EXPECT_EQ(outcome(whole, ""), "refused");
  EXPECT_EQ(outcome(whole, "CN=joe+UID=bob,O=x"), "refused");
  const CertMap direct = map_of(with_default("default:CmapLdapAttr certSubjectDN\n"));
  EXPECT_EQ(outcome(direct, ""), "refused");
  // What leads to one entry only as a filter is ambiguous, domain components or not.
  const CertMap dc = map_of(with_default("default:DNComps\ndefault:FilterComps dc\n"));
  EXPECT_EQ(outcome(dc, "CN=joe,DC=x"), " (dc=x)");
  EXPECT_EQ(outcome(dc, "CN=joe,DC=x,DC=y"), "refused");
}

TEST(CertMap, ValuesCannotLeaveTheirPlace) {
  const CertMap map = map_of(with_default("default:DNComps o\ndefault:FilterComps cn=uid\n"));
  const struct {
    std::string subject;
    std::string outcome;
  } cases[] = {
      {"CN=*,O=x", "o=x (uid=\\2a)"},
      {"CN=joe)(uid=*,O=x", "o=x (uid=joe\\29\\28uid=\\2a)"},
      {"CN=*)(|(uid=*,O=x", "o=x (uid=\\2a\\29\\28|\\28uid=\\2a)"},
      {"CN=\\\\2a,O=x", "o=x (uid=\\5c2a)"},
      {"CN=a\\00b,O=x", "o=x (uid=a\\00b)"},
      {"CN=a\\0D\\0Ab\\7F,O=x", "o=x (uid=a\\0d\\0ab\\7f)"},
      {"CN=\\C3\\A9,O=x", "o=x (uid=\xc3\xa9)"},
      {"CN=a\\,O\\=y,O=x", "o=x (uid=a,O=y)"},
      {"CN=a\\, O=y,O=x", "o=x (uid=a, O=y)"},
      {"CN=joe,O=x\\,o\\=y", "o=x\\,o=y (uid=joe)"},
      {"CN=joe,O=x\\+o\\=y", "o=x\\+o=y (uid=joe)"},
      {"CN=joe,O=\\ x\\ ", "o=\\ x\\  (uid=joe)"},
      {"CN=joe,O=\\#x", "o=\\#x (uid=joe)"},
      {"CN=joe,O=\\00\\0A", "o=\\00\\0a (uid=joe)"},
      {"CN=joe,O=\\\\\\\"\\<\\>\\;", "o=\\\\\\\"\\<\\>\\; (uid=joe)"},
      {"CN=%s%n,O=x", "o=x (uid=%s%n)"},
      {"CN={},O={0}", "o={0} (uid={})"},
  };
  for (const auto& c : cases) EXPECT_EQ(outcome(map, c.subject), c.outcome) << c.subject;
  const CertMap direct = map_of(with_default("default:CmapLdapAttr certSubjectDN\n"));
  EXPECT_EQ(outcome(direct, "CN=*)(uid=\\00,O=x\\,y"),
            " (certSubjectDN=cn=\\2a\\29\\28uid=\\5c00,o=x\\5c,y)");
}

TEST(CertMap, ErrorsNameTheLine) {
  const struct {
    std::string text;
    const char* errors;
  } cases[] = {
      {"", "0: has no default mapping; needed: certmap default default\n"},
      {"# nothing\n", "0: has no default mapping; needed: certmap default default\n"},
      {"certmap ours o=x\n", "0: has no default mapping; needed: certmap default default\n"},
      {with_default("certmap ours default\n"),
       "2: the mapping \"default\" has the issuer \"default\", no other has\n"},
      {"certmap default o=x\n",
       "1: the mapping \"default\" has the issuer \"default\", no other has\n"
       "0: has no default mapping; needed: certmap default default\n"},
      {with_default("certmap\ncertmap a\ncertmap a:b o=x\n"),
       "2: is no mapping; accepted: certmap NAME ISSUER_DN\n"
       "3: is no mapping; accepted: certmap NAME ISSUER_DN\n"
       "4: is no mapping; accepted: certmap NAME ISSUER_DN\n"},
      {with_default("certmap a nobody\n"), "2: DN 'nobody': '=' is missing (at character 7)\n"},
      {with_default("certmap a o=x\ncertmap a o=y\ncertmap b O=X\ncertmap default default\n"),
       "3: name or issuer are those of line 2 already\n"
       "4: name or issuer are those of line 2 already\n"
       "5: name or issuer are those of line 1 already\n"},
      {with_default("default:verifycert\n"), "2: verifycert is ''; accepted: on, off\n"},
      {with_default("default:verifycert yes\n"), "2: verifycert is 'yes'; accepted: on, off\n"},
      {with_default("default:CmapLdapAttr (cn\n"),
       "2: CmapLdapAttr is '(cn', which is no attribute\n"},
      {with_default("default:FilterComps e=mail)(uid\n"),
       "2: 'e=mail)(uid' is no attribute; accepted: attributes with commas between them, as in "
       "\"e=mail, uid\"\n"},
      {with_default("default:DNComps o,,c\n"),
       "2: '' is no attribute; accepted: attributes with commas between them, as in \"e=mail, "
       "uid\"\n"},
      {with_default("default:DNComps o=\n"),
       "2: 'o=' is no attribute; accepted: attributes with commas between them, as in \"e=mail, "
       "uid\"\n"},
      {with_default("default:DNComps\n"),
       "1: any certificate would be any entry: DNComps is empty, so FilterComps must be set\n"},
      {with_default("nonsense\n"),
       "2: is neither \"certmap NAME ISSUER_DN\" nor \"NAME:PROPERTY VALUE\": it is not "
       "SECTION:OPTION VALUE, as in \"default:LogLevel 5\"\n"},
      {with_default("a\tb\x01\n"), "2: contains a control character\n"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(text_of(parse_certmap(c.text).errors), c.errors) << c.text;
  }
  EXPECT_FALSE(parse_certmap(with_default(" certmap a o=x\n")).errors.empty());
  EXPECT_FALSE(parse_certmap(std::string(2 << 20, '#')).errors.empty());
}

TEST(CertMap, WhatIsNotUnderstoodIsAWarning) {
  const ParsedCertMap parsed =
      parse_certmap(with_default("default:library /usr/lib/x.so\n"
                                 "default:InitFn f\n"
                                 "default:Colour blue\n"
                                 "ours:DNComps o\n"
                                 "default:FilterComps e\n"
                                 "default:CmapLdapAttr certSubjectDN\n"));
  EXPECT_EQ(text_of(parsed.errors), "");
  EXPECT_EQ(text_of(parsed.warnings),
            "2: library is ignored: plug-ins are not loaded; FROM=TO in DNComps and FilterComps "
            "renames attributes\n"
            "3: InitFn is ignored: plug-ins are not loaded; FROM=TO in DNComps and FilterComps "
            "renames attributes\n"
            "4: Colour is ignored: accepted are DNComps, FilterComps, verifycert, CmapLdapAttr\n"
            "5: no certmap line names 'ours'; the line is ignored\n"
            "1: DNComps and FilterComps are ignored: CmapLdapAttr decides\n");
}

TEST(CertMap, AMapWithoutMappingsRefusesEverybody) {
  EXPECT_EQ(outcome(CertMap(), "CN=joe,O=x"), "refused");
}

}  // namespace
}  // namespace openmmp::directory
