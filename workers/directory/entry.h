// An entry of a directory as an answer holds it: a DN and attributes, each with one value or more.
// Attribute names are compared without regard to case. And the search that finds it, whatever
// directory is asked. Pure.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/runtime/result.h"
#include "ipc/runtime/secret.h"
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
  // Drops all other attributes.
  void keep_only(const std::vector<std::string>& names) {
    std::erase_if(attributes_, [&names](const Attribute& attribute) {
      return std::none_of(names.begin(), names.end(), [&attribute](const std::string& name) {
        return equals_ignoring_case(name, attribute.name);
      });
    });
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

enum class Scope { subtree, base };  // the base and all below it, or the base alone

struct SearchRequest {
  SearchRequest(std::string b, std::string f, std::vector<std::string> a)
      : base(std::move(b)), filter(std::move(f)), attributes(std::move(a)) {}
  std::string base;
  std::string filter;
  std::vector<std::string> attributes;  // to be answered
  Scope scope = Scope::subtree;
  bool base_may_be_missing = false;  // it is a peer's word: then nothing is found
  bool is_secret = false;            // all values come as `secrets`, and entries without them
};

struct SearchAnswer {
  std::vector<Entry> entries;  // at most two
  std::vector<Secret> secrets;
  std::string source;  // the server or the file
};

// A user has exactly one entry. `filter` is what found these.
inline Result<Entry> exactly_one(std::vector<Entry> entries, const std::string& filter) {
  if (entries.empty()) return fail(Errc::refused, "no entry matches " + filter);
  if (entries.size() > 1) return fail(Errc::refused, "more than one entry matches " + filter);
  return std::move(entries.front());
}

}  // namespace openmmp::directory
