// What the tests of config/ ask of diagnostics.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace openmmp::config {

inline std::string all_text(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& one : diagnostics) text += one.to_string() + "\n";
  return text;
}

// Whether one of them begins with `place`, as "AService.cfg:2: ServiceList: error: ", and has
// `part` in it.
inline bool says(const std::vector<Diagnostic>& diagnostics, std::string_view place,
                 std::string_view part) {
  return std::any_of(diagnostics.begin(), diagnostics.end(), [&](const Diagnostic& one) {
    const std::string text = one.to_string();
    return text.starts_with(place) && text.find(part) != std::string::npos;
  });
}

inline size_t count(const std::vector<Diagnostic>& diagnostics, Severity severity) {
  return static_cast<size_t>(
      std::count_if(diagnostics.begin(), diagnostics.end(),
                    [&](const Diagnostic& one) { return one.severity == severity; }));
}

}  // namespace openmmp::config
