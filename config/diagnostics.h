// Collects what is to be said about the files while they are read. Says nothing twice: two services
// may share one file.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace openmmp::config {

std::string_view severity_name(Severity severity);

// What a diagnostic points to.
struct Place {
  std::string file;
  int line = 0;        // 0: the file as a whole
  std::string option;  // empty: not about one option
};

class Diagnostics {
 public:
  void error(const Place& place, std::string text);
  void warning(const Place& place, std::string text);
  void note(const Place& place, std::string text);
  // By file, in the order in which the files came up, and by line.
  std::vector<Diagnostic> take();

 private:
  void add(Severity severity, const Place& place, std::string text);

  std::vector<Diagnostic> list_;
  std::set<std::string> said_;
  std::map<std::string, size_t> files_;  // to the rank of their first mention
};

}  // namespace openmmp::config
