// Collects what is to be said about the files while they are read. Says nothing twice: two services
// may share one file.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
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
  std::vector<Diagnostic> take() { return std::move(list_); }

 private:
  void add(Severity severity, const Place& place, std::string text);

  std::vector<Diagnostic> list_;
  std::set<std::string> said_;
};

}  // namespace openmmp::config
