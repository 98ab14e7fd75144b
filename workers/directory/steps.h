// How an answer came about, for `mmpctl lookup`. Whoever does not ask passes a null pointer, and
// nothing is written down.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/runtime/result.h"

namespace openmmp::directory {

struct Step {
  Step(std::string w, std::string v) : what(std::move(w)), value(std::move(v)) {}
  std::string what;
  std::string value;
};
using Steps = std::vector<Step>;

inline void note(Steps* steps, std::string_view what, std::string_view value) {
  if (steps != nullptr) steps->emplace_back(std::string(what), std::string(value));
}

// The last step of a look-up that fails.
inline Failure ended(Steps* steps, const Error& error) {
  note(steps, "failure", error.detail);
  return fail(error);
}

}  // namespace openmmp::directory
