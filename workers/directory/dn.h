// Distinguished names as RFC 4514 writes them, brought to one form so that they can be compared:
// types and values in lower case, escapes resolved, blanks folded, the parts of a multi-valued RDN
// sorted. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/runtime/result.h"

namespace openmmp::directory {

// The type in lower case; the value as it is meant, without escapes.
struct DnPart {
  DnPart(std::string t, std::string v) : type(std::move(t)), value(std::move(v)) {}
  std::string type;
  std::string value;
  bool operator==(const DnPart&) const = default;
};
using Rdn = std::vector<DnPart>;  // at least one part

// The entry's own first, the root's last. Errc::protocol says what is wrong and where.
Result<std::vector<Rdn>> parse_rdns(std::string_view text);
// As RFC 4514 writes them, with control characters in hex.
std::string dn_text(const std::vector<Rdn>& rdns);

class Dn {
 public:
  Dn() = default;  // the root of all
  // Errc::protocol says what is wrong with the text and where.
  static Result<Dn> parse(std::string_view text);

  bool is_root() const { return rdns_.empty(); }
  bool is_at_or_below(const Dn& base) const;
  // The one form: equal for DNs that are equal.
  std::string to_string() const;
  bool operator==(const Dn&) const = default;

 private:
  std::vector<std::string> rdns_;  // the entry's own first, the root's last
};

}  // namespace openmmp::directory
