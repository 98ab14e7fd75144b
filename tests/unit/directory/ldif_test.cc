#include "workers/directory/ldif.h"

#include <gtest/gtest.h>

namespace openmmp::directory {
namespace {

// Entries as "dn|name=value|...", one a line; or the error.
std::string read(const std::string& text, std::vector<std::string> names) {
  LdifReader reader(text);
  std::string result;
  for (;;) {
    const Result<std::optional<Entry>> entry = reader.next();
    if (!entry) return entry.error().detail;
    if (!*entry) return result;
    result += (*entry)->dn();
    for (const std::string& name : names) {
      const Values* values = (*entry)->find(name);
      if (values == nullptr) continue;
      for (const std::string& value : *values) result += "|" + name + "=" + value;
    }
    result += "\n";
  }
}

TEST(Ldif, ReadsEntries) {
  const struct {
    std::string text;
    const char* entries;
  } cases[] = {
      {"", ""},
      {"\n\n# nothing\n", ""},
      {"version: 1\n", ""},
      {"dn: o=x\nuid: joe\n", "o=x|uid=joe\n"},
      {"dn: o=x\nuid: joe", "o=x|uid=joe\n"},
      {"dn: o=x\r\nuid: joe\r\n\r\ndn: o=y\r\nuid: jim\r\n", "o=x|uid=joe\no=y|uid=jim\n"},
      {"version: 1\n\ndn: o=x\nUID:joe\nuid:   jim\n", "o=x|uid=joe|uid=jim\n"},
      {"# c\n# folded\n comment: x\ndn: o=x\n# c\nuid: joe\n", "o=x|uid=joe\n"},
      {"dn: o=x\nuid: jo\n e\nsn: 1\n", "o=x|uid=joe|sn=1\n"},
      {"dn: ou=people,\n  o=x\nuid: j\n o\n e\n", "ou=people, o=x|uid=joe\n"},
      {"dn:: bz1jYWbDqQ==\nuid:: am9l\n", "o=caf\xC3\xA9|uid=joe\n"},
      {"dn: o=x\nuid:: am\n 9l \n", "o=x|uid=joe\n"},
      {"dn: o=x\nuid:\nsn::\n", "o=x|uid=|sn=\n"},
      {"dn: o=x\nuid: a: b\n", "o=x|uid=a: b\n"},
      {"dn: o=x\nuid: trailing \n", "o=x|uid=trailing \n"},
      {"dn: o=x\nuid: caf\xC3\xA9\n", "o=x|uid=caf\xC3\xA9\n"},
      {"\n\n\ndn: o=x\n\n\n\ndn: o=y\n", "o=x\no=y\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(read(c.text, {"uid", "sn"}), c.entries) << c.text;
}

TEST(Ldif, ErrorsNameTheLine) {
  const struct {
    std::string text;
    const char* error;
  } cases[] = {
      {"uid: joe\n", "line 1: an entry begins with 'dn:'"},
      {"dn: o=x\n\nuid: joe\n", "line 3: an entry begins with 'dn:'"},
      {" dn: o=x\n", "line 1: a continuation of nothing"},
      {"dn: o=x\n\n uid: joe\n", "line 3: a continuation of nothing"},
      {"dn: o=x\nuid: a\n b\njoe\n", "line 4: 'attribute: value' expected"},
      {"dn: o=x\n: joe\n", "line 2: 'attribute: value' expected"},
      {"dn: o=x\nu id: joe\n", "line 2: 'attribute: value' expected"},
      {"dn: o=x\n-\n", "line 2: 'attribute: value' expected"},
      {"dn: o=x\ndn: o=y\n", "line 2: a blank line must stand before 'dn:'"},
      {"dn: o=x\nchangetype: add\n", "line 2: change records are not accepted, only entries"},
      {"dn: o=x\nuid:< file:///etc/passwd\n", "line 2: values from a URL (':<') are not read"},
      {"dn: o=x\nuid:: am9\n", "line 2: this is not base64"},
      {"dn: o=x\nuid:: am9=bA==\n", "line 2: this is not base64"},
      {"dn: o=x\nuid:: am9m=\n", "line 2: this is not base64"},
      {"dn: o=x\nuid:: ====\n", "line 2: this is not base64"},
      {"dn: o=x\nuid:: bad!\n", "line 2: this is not base64"},
      {std::string("dn: o=x\nuid: a\0b\n", 17), "line 2: a NUL byte"},
      {"dn: o=x\nuid: " + std::string(1100000, 'x') + "\n", "line 2: longer than 1048576 bytes"},
  };
  for (const auto& c : cases) EXPECT_EQ(read(c.text, {"uid"}), c.error) << c.text.substr(0, 80);
}

TEST(Ldif, FoldedLinesAreBoundedToo) {
  std::string text = "dn: o=x\nuid: ";
  for (int i = 0; i < 30000; ++i) text += "\n " + std::string(70, 'x');
  EXPECT_EQ(read(text, {"uid"}), "line 2: longer than 1048576 bytes");
}

TEST(Ldif, AnEntryCanBeReadAgainFromItsPosition) {
  const std::string text = "# first\ndn: o=x\nuid: a\n\n# second\ndn: o=y\nuid: b\n";
  LdifReader reader(text);
  ASSERT_TRUE(reader.next());
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.position().line, 6);
  LdifReader again(text, reader.position());
  EXPECT_EQ((**again.next()).dn(), "o=y");
}

}  // namespace
}  // namespace openmmp::directory
