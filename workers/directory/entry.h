// An entry of a directory as an answer holds it: a DN and attributes, each with one value or more.
// Attribute names are compared without regard to case.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/runtime/result.h"
#include "ipc/runtime/text.h"
#include "workers/directory/text.h"

namespace openmmp::directory {

using Values = std::vector<std::string>;

class Entry {
 public:
  Entry() = default;
  explicit Entry(std::string dn) : dn_(std::move(dn)) {}

  const std::string& dn() const { return dn_; }

  // Null when there is no such attribute; otherwise there is at least one value.
  const Values* find(std::string_view name) const {
    for (const Attribute& attribute : attributes_) {
      if (equals_ignoring_case(attribute.name, name)) return &attribute.values;
    }
    return nullptr;
  }
  void add(std::string_view name, std::string value) {
    for (Attribute& attribute : attributes_) {
      if (equals_ignoring_case(attribute.name, name)) {
        attribute.values.push_back(std::move(value));
        return;
      }
    }
    attributes_.emplace_back(std::string(name), Values{std::move(value)});
  }

 private:
  struct Attribute {
    Attribute(std::string n, Values v) : name(std::move(n)), values(std::move(v)) {}
    std::string name;
    Values values;
  };

  std::string dn_;
  std::vector<Attribute> attributes_;
};

// A user has exactly one entry. `filter` is what found these.
inline Result<Entry> exactly_one(std::vector<Entry> entries, const std::string& filter) {
  if (entries.empty()) return fail(Errc::refused, "no entry matches " + filter);
  if (entries.size() > 1) return fail(Errc::refused, "more than one entry matches " + filter);
  return std::move(entries.front());
}

// An entry and where it came from: "cache", or the server that was asked.
struct Found {
  Found(Entry e, std::string s) : entry(std::move(e)), source(std::move(s)) {}
  Entry entry;
  std::string source;
};

}  // namespace openmmp::directory
