// The bytes behind 354 (RFC 5321 section 4.5.2): where the message ends, and what in it another
// server might take for an end. Only CR LF "." CR LF is one; LF or CR alone, and NUL, are what
// smuggling is made of (CVE-2023-51764 and its kin), so none of them reaches a relay. Pure.
//
// What is clean passes unchanged, stuffed dots and all. One scanner a message.
//
// Normalizing makes CR LF of a bare LF and of a bare CR, and a blank of a NUL. A dot at the start
// of a line that is one only by that is doubled, unless another dot follows; so is a dot behind a
// true CR LF, when what follows it becomes CR LF only here. So no reader, whatever it takes for a
// line end and whether or not it drops NUL, finds an end in what goes on but ours.
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
  // Takes some of `bytes`, at least one unless a CR or a dot must wait for what follows it (at most
  // three bytes wait); then give them again with more behind. `made` is the caller's memory for
  // what had to be changed, at most twice as much. Behind the end there is nothing to scan.
  Step scan(std::string_view bytes, std::string& made);

  // Of the message so far, as the relay gets it, without the dot that ends it.
  size_t size() const { return size_; }
  bool refused() const { return refused_; }

 private:
  // What stands before the next byte: CR LF, what has become CR LF here, or anything else.
  enum class Position { line_start, made_line_start, within };

  // What belongs together, and what becomes of it.
  struct Piece {
    size_t used = 0;        // 0: it must wait for what follows
    std::string_view text;  // for the relay
    Position after = Position::within;
    bool changed = false;
    bool ended = false;
  };
  static Piece take_piece(std::string_view bytes, Position position);
  static Piece take_dot(std::string_view bytes, Position position);
  static Piece take_line_end(std::string_view bytes);

  Step pass_clean(std::string_view bytes);
  Step mend(std::string_view bytes, std::string& made);

  BareNewline rule_;
  Position position_ = Position::line_start;
  bool refused_ = false;
  size_t size_ = 0;
};

}  // namespace openmmp::smtp
