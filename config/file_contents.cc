#include "config/file_contents.h"

#include "config/address_file.h"
#include "config/conn_limits.h"
#include "config/instance_files.h"
#include "config/spoof_file.h"
#include "ipc/runtime/text.h"

namespace openmmp::config {
namespace {

// `parse` for each line, so that all mistakes are found, and then for the whole, which may be too
// long.
template <class Parse>
std::vector<CfgFault> faults_of_lines(std::string_view text, Parse parse) {
  std::vector<CfgFault> faults;
  int number = 0;
  for (const std::string_view line : lines_without_comments(text)) {
    ++number;
    if (const auto parsed = parse(line); !parsed) faults.push_back({number, parsed.error().detail});
  }
  if (!faults.empty()) return faults;
  if (const auto parsed = parse(text); !parsed) faults.push_back({0, parsed.error().detail});
  return faults;
}

struct Kind {
  std::string_view option;
  size_t longest;
  std::vector<CfgFault> (*check)(std::string_view text);
};
constexpr Kind kinds[] = {
    {"ConnLimits", max_address_file,
     [](std::string_view text) { return faults_of_lines(text, ConnLimits::parse); }},
    {"BGExcluded", max_address_file,
     [](std::string_view text) { return faults_of_lines(text, parse_address_file); }},
    {"SpoofMessageFile", max_spoof_file, spoof_file_faults},
};

}  // namespace

void check_contents(const ServiceFile& file, const std::string& name, Diagnostics& out) {
  for (const Kind& kind : kinds) {
    if (kind.option != file.option) continue;
    const Result<std::string> text = read_file(file.path, kind.longest);
    if (!text) {
      out.error({name, 0, file.option}, text.error().detail);
      return;
    }
    for (const CfgFault& fault : kind.check(*text)) {
      out.error({name, fault.line, file.option}, one_line(fault.text));
    }
  }
}

}  // namespace openmmp::config
