#include "config/spoof_file.h"

#include <algorithm>
#include <utility>

namespace openmmp::config {
namespace {

// "Name: ...", or what goes on with the line before.
bool is_header_line(std::string_view line, bool is_first) {
  if (line.starts_with(' ') || line.starts_with('\t')) return !is_first;
  const size_t colon = line.find(':');
  return colon != 0 && colon != std::string_view::npos &&
         std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colon),
                     [](char c) { return c > ' ' && c < 0x7f; });
}

// Goes through the lines once. Of each kind of fault the first is enough.
class Reader {
 public:
  void read_line(std::string_view line, bool is_last) {
    ++number_;
    const bool ended_well = line.ends_with("\r\n");
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    if (!ended_well) complain(bad_end_, "does not end in CR LF; accepted: CR LF in each line");
    const bool is_end_mark = line == "." && is_last;
    if (line.starts_with('.') && !line.starts_with("..") && !is_end_mark) {
      complain(bad_dot_,
               "begins with one dot; accepted: two in the place of one, and a line of "
               "one dot at the end only");
    }
    if (in_header_ && !is_end_mark) read_header(line);
  }

  std::vector<CfgFault> finish() {
    if (in_header_) complain(bad_header_, no_header);
    return std::move(faults_);
  }

 private:
  void read_header(std::string_view line) {
    const bool is_first = number_ == 1;
    in_header_ = !line.empty();
    const bool good = in_header_ ? is_header_line(line, is_first) : !is_first;
    if (!good) complain(bad_header_, no_header);
  }

  static constexpr const char* no_header =
      "is no line of a header; accepted: \"Name: value\" lines, an empty line, then the text";

  void complain(bool& done, const char* text) {
    if (!std::exchange(done, true)) faults_.push_back({number_, text});
  }

  int number_ = 0;
  bool in_header_ = true;
  bool bad_end_ = false;
  bool bad_dot_ = false;
  bool bad_header_ = false;
  std::vector<CfgFault> faults_;
};

}  // namespace

std::vector<CfgFault> spoof_file_faults(std::string_view text) {
  Reader reader;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n') + 1, text.size());
    const size_t length = end == 0 ? text.size() : end;
    reader.read_line(text.substr(0, length), length == text.size());
    text.remove_prefix(length);
  }
  return reader.finish();
}

}  // namespace openmmp::config
