#include "supervisor/log_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <time.h>

#include <cerrno>
#include <cstring>

namespace openmmp::supervisor {

std::string today() {
  const time_t now = ::time(nullptr);
  struct tm local {};
  ::localtime_r(&now, &local);
  char text[16];
  return std::string(text, ::strftime(text, sizeof text, "%Y%m%d", &local));
}

Result<UniqueFd> LogFiles::open(const std::string& directory, const std::string& name) {
  if (::mkdir(directory.c_str(), 0750) != 0 && errno != EEXIST) {
    return fail(Errc::unavailable,
                fmt::format("LogDir: cannot create {}: {}", directory, std::strerror(errno)));
  }
  const std::string path = fmt::format("{}/{}_{}.log", directory, name, today());
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (!file) {
    return fail(Errc::unavailable,
                fmt::format("LogDir: cannot open {}: {}", path, std::strerror(errno)));
  }
  return file;
}

bool LogFiles::new_day() {
  std::string date = today();
  if (date == date_) return false;
  date_ = std::move(date);
  return true;
}

}  // namespace openmmp::supervisor
