// The lines of a configuration file.
#include "config/cfg_file.h"
#include "tests/fuzz/fuzz.h"

namespace openmmp::fuzz {
namespace {

void check_line(const config::CfgLine& line) {
  const bool quotable = line.value.find('"') == std::string::npos;
  const std::string value = quotable ? '"' + line.value + '"' : line.value;
  const std::string text = line.section + ':' + line.key + ' ' + value;
  const auto again = config::parse_cfg_line({line.number, text});
  CHECK(again && again->section == line.section && again->key == line.key);
  CHECK(again->value == line.value && is_one_line(line.section + line.key));
}

}  // namespace

void check_input(std::string_view input) {
  const config::CfgFile file = config::parse_cfg(input);
  int last = 0;
  for (const config::CfgLine& line : file.lines) {
    CHECK(line.number > last);
    last = line.number;
    check_line(line);
  }
  for (const config::CfgFault& fault : file.faults) CHECK(is_one_line(fault.text));
  CHECK(file.lines.size() <= config::max_cfg_lines);
}

}  // namespace openmmp::fuzz
