// Content records of an LDIF file (RFC 2849), one after the other. Pure.
//
// Change records and values behind a URL (":<") are refused. As OpenLDAP does, and more generous
// than the RFC: values may be UTF-8 without base64.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/runtime/result.h"
#include "workers/directory/entry.h"

namespace openmmp::directory {

class LdifReader {
 public:
  // Where a record begins, so that it can be read again on its own.
  struct Position {
    size_t offset = 0;
    int line = 1;
  };

  // `text` must outlive the reader.
  explicit LdifReader(std::string_view text) : LdifReader(text, Position()) {}
  LdifReader(std::string_view text, Position start) : text_(text), next_(start) {}

  // The next entry; nothing at the end. Errors begin with "line N:"; after one the reader is of no
  // more use.
  Result<std::optional<Entry>> next();
  // Where the entry began that next() returned last.
  Position position() const { return record_; }

 private:
  // Reads one line with its continuations into line_; false at the end of the text.
  Result<bool> read_line();
  std::string_view take_physical_line();
  Result<bool> read_record_start(Entry& entry);
  Result<> read_attributes(Entry& entry);
  Result<std::string> parse_value(std::string_view rest) const;
  Failure wrong(std::string_view what) const;

  std::string_view text_;
  Position next_;  // what read_line() reads
  Position record_;
  int line_number_ = 1;  // of line_
  size_t line_offset_ = 0;
  std::string_view line_;
  std::string unfolded_;  // what line_ points to when it had continuations
};

// RFC 4648, with padding.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace openmmp::directory
