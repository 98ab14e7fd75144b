// The bytes behind 354 (RFC 5321 section 4.5.2): where the message ends, and what in it another
// server might take for an end. Only CR LF "." CR LF is one; LF or CR alone, and NUL, are what
// smuggling is made of (CVE-2023-51764 and its kin), so none of them reaches a relay. Pure.
//
// What is clean passes unchanged, stuffed dots and all. One scanner a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace openmmp::smtp {

enum class BareNewline { reject, normalize };

class DataScanner {
 public:
  explicit DataScanner(BareNewline rule) : rule_(rule) {}

  struct Step {
    size_t used = 0;  // of the bytes given: these are done with; behind the end is the next command
    // For the relay: a beginning of the bytes given, where nothing had to be changed, or `made`.
    std::string_view clean;
    bool ended = false;    // the end of the message is in it
    bool refused = false;  // a bare CR or LF or a NUL, and the rule is reject: nothing of this or
                           // what follows may go to the relay; scanning goes on to find the end
  };
  // Takes some of `bytes`, at least one unless a CR or a dot must wait for what follows it; then
  // give them again with more behind. `made` is the caller's memory for what had to be changed.
  Step scan(std::string_view bytes, std::string& made);

  size_t size() const { return size_; }  // of the message so far, as the relay gets it
  bool refused() const { return refused_; }

 private:
  BareNewline rule_;
  bool at_line_start_ = true;
  bool refused_ = false;
  size_t size_ = 0;
};

}  // namespace openmmp::smtp
