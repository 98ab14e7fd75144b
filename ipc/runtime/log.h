// The log of one process, in the form of the original's 6.3 and later:
//   [02/Jul/2019:11:26:57 +0200] host ImapProxy[12607]: General Notice: (id 1019831) text
// Lines are gathered and written once a loop turn, whole lines in one write(2) with O_APPEND, so
// that several workers can share one file. Control characters in the text, which may come from a
// peer, are written as \xNN: one event is one line.
#pragma once

#include <fmt/compile.h>
#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "ipc/runtime/unique_fd.h"

namespace openmmp {

enum class LogLevel { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

class Log {
 public:
  // `process` is the name in the lines, "ImapProxy". Until set_file() lines go to standard error.
  explicit Log(std::string process);
  ~Log() { flush(); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // `level` as the LogLevel option: below 3 is silence, above 7 the same as 7.
  void set_level(int level) { level_ = level; }
  // Later lines go to `file`, which was opened with O_APPEND.
  void set_file(UniqueFd file);
  bool wants(LogLevel level) const { return static_cast<int>(level) <= level_; }

  // `id` is the connection's; 0 leaves it out.
  template <class... Args>
  void write(LogLevel level, uint64_t id, fmt::format_string<Args...> format, Args&&... args) {
    if (wants(level)) write_always(level, id, format, std::forward<Args>(args)...);
  }
  // Whatever the level: for what DebugKeys asks for.
  template <class... Args>
  void write_always(LogLevel level, uint64_t id, fmt::format_string<Args...> format,
                    Args&&... args) {
    const size_t start = begin_line(level, id);
    fmt::format_to(std::back_inserter(pending_), format, std::forward<Args>(args)...);
    end_line(start);
  }
  // The same for a line of every session: `format` is FMT_COMPILE("...").
  template <class Compiled, class... Args>
  void write_compiled(LogLevel level, uint64_t id, Compiled format, Args&&... args) {
    if (!wants(level)) return;
    const size_t start = begin_line(level, id);
    fmt::format_to(std::back_inserter(pending_), format, std::forward<Args>(args)...);
    end_line(start);
  }
  void flush();

 private:
  // Where in pending_ the text of the new line begins.
  size_t begin_line(LogLevel level, uint64_t id);
  // Takes care of what the text may contain.
  void end_line(size_t start);
  void refresh_date();

  std::string process_;  // "host ImapProxy[12607]"
  int level_ = static_cast<int>(LogLevel::notice);
  UniqueFd file_;
  std::string pending_;
  std::string date_;  // "[02/Jul/2019:11:26:57 +0200] ", valid for second_
  int64_t second_ = -1;
};

}  // namespace openmmp
