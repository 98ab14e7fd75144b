// The line syntax that every configuration file of an instance shares:
//   SECTION:KEY VALUE
// A '#' in column 1 makes a comment, blank lines mean nothing, a value runs to the end of its line
// and may stand in double quotes. Pure: bytes in, lines and faults out; what a key means is the
// option table's business. A fault never repeats the line itself, which may hold a password.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/runtime/result.h"

namespace openmmp::config {

inline constexpr size_t max_cfg_file = 1024 * 1024;
inline constexpr size_t max_cfg_line = 16 * 1024;
inline constexpr size_t max_cfg_lines = 20'000;

struct CfgFault {
  int line = 0;  // 0: the file as a whole
  std::string text;
};

struct RawLine {
  int number = 0;
  std::string_view text;  // without line end and trailing blanks; into the text that was split
};

struct RawLines {
  std::vector<RawLine> lines;
  std::vector<CfgFault> faults;
};

// The lines that say something: no comments, no blank ones, none with a control character.
RawLines significant_lines(std::string_view text);

struct CfgLine {
  int number = 0;
  std::string section;        // exactly as written
  std::string key;            // as written; keys are compared without regard to case
  std::string value;          // without quotes
  bool quoted_words = false;  // but for this: several words, each in quotes, which are left there
};

struct CfgFile {
  std::vector<CfgLine> lines;  // in the order of the file
  std::vector<CfgFault> faults;
};

// One line of significant_lines().
Result<CfgLine> parse_cfg_line(const RawLine& line);
CfgFile parse_cfg(std::string_view text);

// "a  b\tc" in its words.
std::vector<std::string> split_words(std::string_view text);
// The words of a text in which each stands in double quotes; none when it is another text.
std::vector<std::string> split_quoted_words(std::string_view text);

}  // namespace openmmp::config
