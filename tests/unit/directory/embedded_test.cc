#include "workers/directory/embedded.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace openmmp::directory {
namespace {

const char* const people =
    "dn: o=x\nobjectClass: organization\n\n"
    "dn: ou=a,o=x\nobjectClass: organizationalUnit\n\n"
    "dn: uid=joe,ou=a,o=x\nobjectClass: person\nuid: Joe\nuid: joseph\nmail: joe@x\n\n"
    "dn: uid=jim,ou=a,o=x\nobjectClass: person\nuid: jim\nmail: jim@x\n\n"
    "dn: uid=jim,o=x\nobjectClass: person\nuid: jim\nmail: jim@y\n";

std::string search(const char* base, const char* filter, size_t limit = 10) {
  Result<EmbeddedDirectory> directory = EmbeddedDirectory::from_ldif(people);
  std::string result;
  for (const Entry& entry : directory->search(*Dn::parse(base), *parse_filter(filter), limit)) {
    result += entry.dn() + ";";
  }
  return result;
}

TEST(Embedded, Search) {
  const struct {
    const char* base;
    const char* filter;
    const char* found;
  } cases[] = {
      {"", "(uid=joe)", "uid=joe,ou=a,o=x;"},
      {"", "(uid=JOSEPH)", "uid=joe,ou=a,o=x;"},
      {"o=x", "(uid=jim)", "uid=jim,ou=a,o=x;uid=jim,o=x;"},
      {"OU=A, O=X", "(uid=jim)", "uid=jim,ou=a,o=x;"},
      {"uid=jim,o=x", "(uid=jim)", "uid=jim,o=x;"},
      {"ou=b,o=x", "(uid=jim)", ""},
      {"", "(uid=nobody)", ""},
      {"", "(&(objectClass=person)(uid=joe))", "uid=joe,ou=a,o=x;"},
      {"", "(&(mail=jim@*)(uid=jim)(!(mail=jim@y)))", "uid=jim,ou=a,o=x;"},
      {"", "(|(uid=joe)(mail=joe@x))", "uid=joe,ou=a,o=x;"},
      {"", "(|(uid=joe)(mail=jim@y))", "uid=joe,ou=a,o=x;uid=jim,o=x;"},
      {"", "(|(uid=joe)(mail=*@y))", "uid=joe,ou=a,o=x;uid=jim,o=x;"},
      {"", "(mail=*)", "uid=joe,ou=a,o=x;uid=jim,ou=a,o=x;uid=jim,o=x;"},
      {"", "(objectclass=organization)", "o=x;"},
      {"", "(&)", "o=x;ou=a,o=x;uid=joe,ou=a,o=x;uid=jim,ou=a,o=x;uid=jim,o=x;"},
      {"", "(|)", ""},
      {"", "(uid=)", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(search(c.base, c.filter), c.found) << c.filter;
}

TEST(Embedded, SearchStopsAtTheLimit) {
  EXPECT_EQ(search("", "(uid=jim)", 1), "uid=jim,ou=a,o=x;");
  EXPECT_EQ(search("", "(mail=*)", 2), "uid=joe,ou=a,o=x;uid=jim,ou=a,o=x;");
}

TEST(Embedded, SearchOfOneEntry) {
  const struct {
    const char* base;
    const char* filter;
    const char* found;
  } cases[] = {
      {"OU=a, O=x", "(objectClass=*)", "ou=a,o=x;"},
      {"UID=Jim,o=x", "(uid=jim)", "uid=jim,o=x;"},
      {"ou=a,o=x", "(uid=jim)", ""},
      {"ou=b,o=x", "(objectClass=*)", ""},
      {"", "(objectClass=*)", ""},
  };
  Result<EmbeddedDirectory> directory = EmbeddedDirectory::from_ldif(people);
  for (const auto& c : cases) {
    std::string found;
    const Filter filter = *parse_filter(c.filter);
    for (const Entry& entry : directory->search(*Dn::parse(c.base), filter, 2, Scope::base)) {
      found += entry.dn() + ";";
    }
    EXPECT_EQ(found, c.found) << c.base;
  }
}

TEST(Entry, KeepsOnlyWhatIsNamed) {
  Entry entry("o=x");
  entry.add("uid", "joe");
  entry.add("userPassword", "secret");
  entry.add("mailHost", "store1");
  entry.keep_only({"MAILHOST", "uid", "mail"});
  EXPECT_EQ(entry.find("userPassword"), nullptr);
  EXPECT_EQ(entry.find("uid")->front(), "joe");
  EXPECT_EQ(entry.find("mailHost")->front(), "store1");
}

TEST(Embedded, HasEntryBelow) {
  Result<EmbeddedDirectory> directory = EmbeddedDirectory::from_ldif(people);
  EXPECT_TRUE(directory->has_entry_below(*Dn::parse("ou=A,o=x")));
  EXPECT_FALSE(directory->has_entry_below(*Dn::parse("o=y")));
}

TEST(Embedded, WhatIsNoDirectoryIsRefused) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"", "line 1: there is no entry in it"},
      {"# users come here\n", "line 1: there is no entry in it"},
      {"dn: o=x\n\ndn: joe\n", "line 3: DN 'joe': '=' is missing (at character 4)"},
      {"dn: o=x\n\ndn: o=y\n\ndn: O= X\n", "line 5: 'O= X' is already at line 1"},
      {"dn: o=x\nnonsense\n", "line 2: 'attribute: value' expected"},
  };
  for (const auto& c : cases) {
    const Result<EmbeddedDirectory> directory = EmbeddedDirectory::from_ldif(c.text);
    ASSERT_FALSE(directory) << c.text;
    EXPECT_EQ(directory.error().detail, c.error);
  }
}

// No timing here: were each look-up a scan, this would take hours.
TEST(Embedded, FindsOneAmongManyWithoutAScan) {
  constexpr int count = 50000;
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += fmt::format("dn: uid=user{0},o=x\nobjectClass: person\nuid: user{0}\n\n", i);
  }
  Result<EmbeddedDirectory> directory = EmbeddedDirectory::from_ldif(std::move(text));
  ASSERT_TRUE(directory);
  ASSERT_EQ(directory->size(), size_t{count});
  for (int i = 0; i < count; ++i) {
    const Filter filter = *parse_filter(fmt::format("(&(objectClass=person)(uid=USER{}))", i));
    ASSERT_EQ(directory->search(Dn(), filter, 2).size(), 1u);
  }
}

}  // namespace
}  // namespace openmmp::directory
