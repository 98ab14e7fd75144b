// The log files of the instance, LogDir/ImapProxy_YYYYMMDD.log and their kin. The supervisor opens
// them, so that workers need no right to; several workers append to one file.
#pragma once

#include <string>

#include "ipc/runtime/result.h"
#include "ipc/runtime/unique_fd.h"

namespace openmmp::supervisor {

// Today in local time, "20190702".
std::string today();

class LogFiles {
 public:
  // A descriptor of its own of today's file `name` in the directory, which is created where it is
  // missing. Errc::unavailable names the file and the reason.
  Result<UniqueFd> open(const std::string& directory, const std::string& name);
  // True once after a date has passed since the last call: everybody needs a new file.
  bool new_day();

 private:
  std::string date_ = today();
};

}  // namespace openmmp::supervisor
