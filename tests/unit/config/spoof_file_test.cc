#include "config/spoof_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace openmmp::config {
namespace {

// "2 begins with one dot; 3 ...": of each fault the line and the first words.
std::string faults_of(std::string_view text) {
  std::string result;
  for (const CfgFault& fault : spoof_file_faults(text)) {
    if (!result.empty()) result += "; ";
    result += fmt::format("{} {}", fault.line, fault.text.substr(0, fault.text.find(';')));
  }
  return result;
}

TEST(SpoofFile, TellsWhatWouldGoWrong) {
  const struct {
    std::string_view text;
    std::string_view faults;
  } cases[] = {
      {"Subject: a\r\n\r\ntext\r\n", ""},
      {"Subject: a\r\n\r\ntext\r\n.\r\n", ""},
      {"Subject: a\r\n  b\r\nFrom: x\r\n\r\n..dot\r\n...\r\n", ""},
      {"Subject: a\r\n\r\n", ""},
      {"Subject: a\n\ntext\n", "1 does not end in CR LF"},
      {"Subject: a\r\n\r\ntext", "3 does not end in CR LF"},
      {"Subject: a\r\n\r\n.text\r\n", "3 begins with one dot"},
      {"Subject: a\r\n\r\n.\r\ntext\r\n", "3 begins with one dot"},
      {"", "0 is no line of a header"},
      {"Subject: a\r\n", "1 is no line of a header"},
      {"Subject: a\r\n.\r\n", "2 is no line of a header"},
      {"\r\ntext\r\n", "1 is no line of a header"},
      {" a\r\n\r\n", "1 is no line of a header"},
      {"text\r\n\r\n", "1 is no line of a header"},
      {": a\r\n\r\n", "1 is no line of a header"},
      {"From x: y\r\n\r\n", "1 is no line of a header"},
      {"text\n.b\n", "1 does not end in CR LF; 1 is no line of a header; 2 begins with one dot"},
  };
  for (const auto& [text, faults] : cases) EXPECT_EQ(faults_of(text), faults) << text;
}

}  // namespace
}  // namespace openmmp::config
