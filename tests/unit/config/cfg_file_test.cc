#include "config/cfg_file.h"

#include <gtest/gtest.h>

namespace openmmp::config {
namespace {

struct Good {
  std::string_view line;
  std::string_view section;
  std::string_view key;
  std::string_view value;
};

TEST(CfgFile, ReadsEveryFormOfALine) {
  const Good cases[] = {
      {"default:LogLevel 5", "default", "LogLevel", "5"},
      {"default:LogLevel\t \t5", "default", "LogLevel", "5"},
      {"default:LogLevel 5  \t", "default", "LogLevel", "5"},
      {"default:LogLevel 5\r", "default", "LogLevel", "5"},
      {"spain:LogLevel 5", "spain", "LogLevel", "5"},
      {"Default:LogLevel 5", "Default", "LogLevel", "5"},
      {"default:BindDN \"cn=Directory Manager\"", "default", "BindDN", "cn=Directory Manager"},
      {"default:BindPass \" kept \"", "default", "BindPass", " kept "},
      {"default:SSLKeyPasswdFile \"\"", "default", "SSLKeyPasswdFile", ""},
      {"default:DefaultDomain", "default", "DefaultDomain", ""},
      {"default:DefaultDomain ", "default", "DefaultDomain", ""},
      {"default:SmtpRelays manatee:485 gonzo  mothra", "default", "SmtpRelays",
       "manatee:485 gonzo  mothra"},
      {"default:BindPass pa\"ss", "default", "BindPass", "pa\"ss"},
      {"default:BindPass #1", "default", "BindPass", "#1"},
      {"default:BindPass a#b", "default", "BindPass", "a#b"},
      {"default:BindPass a\\b", "default", "BindPass", "a\\b"},
      {"default:LdapUrl ldap://h:389/o=x", "default", "LdapUrl", "ldap://h:389/o=x"},
      {"default:LogDir\xc2\xa0\xc2\xa0 /a b", "default", "LogDir", "/a b"},
      {"default:Banner a\xc2\xa0", "default", "Banner", "a\xc2\xa0"},
      {"default:Banner caf\xc3\xa9", "default", "Banner", "caf\xc3\xa9"},
  };
  for (const Good& good : cases) {
    const CfgFile file = parse_cfg(good.line);
    ASSERT_EQ(file.lines.size(), 1u) << good.line;
    EXPECT_TRUE(file.faults.empty()) << good.line;
    EXPECT_EQ(file.lines[0].section, good.section);
    EXPECT_EQ(file.lines[0].key, good.key);
    EXPECT_EQ(file.lines[0].value, good.value);
    EXPECT_EQ(file.lines[0].number, 1);
  }
}

TEST(CfgFile, RefusesMalformedLinesWithTheirNumber) {
  const std::string_view cases[] = {
      "nonsense",
      "default LogLevel 5",
      "def ault:LogLevel 5",
      ":LogLevel 5",
      "default:",
      "default: LogLevel 5",
      "default :LogLevel 5",
      " default:LogLevel 5",
      "\tdefault:LogLevel 5",
      " # no comment",
      "default:BindPass=secret",
      "default:BindPass:secret",
      "default:Log\xc2\xa9Level 5",
      "\xc2\xa0"
      "default:LogLevel 5",
      "\xef\xbb\xbf"
      "default:LogLevel 5",
      "default:BindPass \"open",
      "default:BindPass \"",
      "default:BindPass \"a\" b",
      "default:BindPass \"a\"b\"",
      "default:BindPass a\rb",
      "default:BindPass a\x1b[31mb",
      "default:BindPass a\x7f",
      std::string_view("default:BindPass a\0b", 20),
      std::string_view("\0", 1),
  };
  for (const std::string_view bad : cases) {
    const CfgFile file = parse_cfg("# first\n" + std::string(bad) + "\ndefault:LogLevel 5\n");
    ASSERT_EQ(file.faults.size(), 1u) << bad;
    EXPECT_EQ(file.faults[0].line, 2) << bad;
    EXPECT_FALSE(file.faults[0].text.empty());
    EXPECT_EQ(file.faults[0].text.find("secret"), std::string::npos) << "a password is repeated";
    ASSERT_EQ(file.lines.size(), 1u) << "reading does not go on behind: " << bad;
    EXPECT_EQ(file.lines[0].number, 3);
  }
}

TEST(CfgFile, SkipsCommentsAndBlankLines) {
  const CfgFile file = parse_cfg("#default:LogLevel 1\n\n  \t \r\n#\ndefault:LogLevel 5");
  EXPECT_TRUE(file.faults.empty());
  ASSERT_EQ(file.lines.size(), 1u);
  EXPECT_EQ(file.lines[0].number, 5);
}

TEST(CfgFile, KeepsTheOrderOfRepeatedKeys) {
  const CfgFile file = parse_cfg("a:k 1\nb:k 2\na:K 3\n");
  ASSERT_EQ(file.lines.size(), 3u);
  EXPECT_EQ(file.lines[2].value, "3");
}

TEST(CfgFile, AcceptsAnEmptyFile) {
  EXPECT_TRUE(parse_cfg("").lines.empty());
  EXPECT_TRUE(parse_cfg("").faults.empty());
  EXPECT_TRUE(parse_cfg("\n").faults.empty());
}

TEST(CfgFile, LimitsTheLengthOfALine) {
  const std::string start = "default:Banner ";
  const std::string longest = start + std::string(max_cfg_line - start.size(), 'x');
  EXPECT_EQ(parse_cfg(longest).lines.size(), 1u);
  const CfgFile over = parse_cfg(longest + "x\n" + longest);
  ASSERT_EQ(over.faults.size(), 1u);
  EXPECT_EQ(over.faults[0].line, 1);
  EXPECT_EQ(over.lines.size(), 1u);
}

TEST(CfgFile, LimitsTheSizeOfAFile) {
  EXPECT_TRUE(parse_cfg(std::string(max_cfg_file, '\n')).faults.empty());
  const CfgFile over = parse_cfg(std::string(max_cfg_file + 1, '\n'));
  ASSERT_EQ(over.faults.size(), 1u);
  EXPECT_EQ(over.faults[0].line, 0);
}

TEST(CfgFile, LimitsTheNumberOfLinesGoodOrBad) {
  for (const std::string_view line : {"a:b c\n", "nonsense\n"}) {
    std::string text;
    for (size_t i = 0; i <= max_cfg_lines; ++i) text += line;
    const CfgFile file = parse_cfg(text);
    ASSERT_FALSE(file.faults.empty());
    EXPECT_EQ(file.faults[0].line, static_cast<int>(max_cfg_lines) + 1);
    EXPECT_EQ(file.lines.size() + file.faults.size(), max_cfg_lines + 1);
  }
}

TEST(CfgFile, SplitsWords) {
  EXPECT_TRUE(split_words("").empty());
  EXPECT_TRUE(split_words(" \t ").empty());
  EXPECT_EQ(split_words(" a \t b"), (std::vector<std::string>{"a", "b"}));
}

TEST(CfgFile, SeveralQuotedWordsAreLeftAsTheyStand) {
  const struct {
    std::string_view value;
    std::string_view got;  // empty: a fault
    bool several;
  } cases[] = {
      {"\"a b\" \"c\"", "\"a b\" \"c\"", true},
      {"\"a\"\t\"\" \"c\"", "\"a\"\t\"\" \"c\"", true},
      {"\"a b\"", "a b", false},
      {"a \"b\" \"c\"", "a \"b\" \"c\"", false},
      {"\"a\"\"b\"", "", false},
      {"\"a\" b", "", false},
      {"\"a\" \"b", "", false},
  };
  for (const auto& [value, got, several] : cases) {
    const CfgFile cfg = parse_cfg("default:X " + std::string(value) + "\n");
    EXPECT_EQ(cfg.faults.size(), got.empty() ? 1u : 0u) << value;
    if (got.empty()) continue;
    ASSERT_EQ(cfg.lines.size(), 1u) << value;
    EXPECT_EQ(cfg.lines[0].value, got);
    EXPECT_EQ(cfg.lines[0].quoted_words, several) << value;
  }
}

TEST(CfgFile, SplitsQuotedWords) {
  EXPECT_EQ(split_quoted_words("\"a b\"  \"c\""), (std::vector<std::string>{"a b", "c"}));
  EXPECT_EQ(split_quoted_words("\"\""), std::vector<std::string>{""});
  for (const std::string_view other : {"", "a", "\"a", "\"a\"b", "\"a\" b", " \"a\"", "\""}) {
    EXPECT_TRUE(split_quoted_words(other).empty()) << other;
  }
}

}  // namespace
}  // namespace openmmp::config
