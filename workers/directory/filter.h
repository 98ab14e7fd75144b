// Search filters as RFC 4515 writes them: parsed, and matched against an entry. Pure.
//
// There is no schema here: every attribute is compared as caseIgnoreMatch does, >= and <= compare
// numbers where both sides are numbers, ~= is the same as =. An attribute that an entry does not
// have does not match, so its negation does. Extensible matches are refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ipc/runtime/result.h"
#include "workers/directory/entry.h"

namespace openmmp::directory {

struct Filter {
  enum class Kind { all, any, negation, equal, present, substrings, at_least, at_most };
  Kind kind = Kind::all;
  std::vector<Filter> parts;  // of all, any (may be empty), negation (exactly one)
  std::string attribute;      // of the others
  std::string value;          // folded; of equal, at_least, at_most
  std::string initial;        // of substrings: folded pieces, empty where there is none
  std::vector<std::string> middle;
  std::string final;
};

// Errc::protocol says what is wrong and where; Errc::limit: too long or too deep.
Result<Filter> parse_filter(std::string_view text);

// As RFC 4511 4.5.1.7: what cannot be evaluated is undefined, and so is its negation.
enum class Truth { no, undefined, yes };
Truth match(const Filter& filter, const Entry& entry);

}  // namespace openmmp::directory
