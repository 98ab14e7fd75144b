#include "supervisor/instance.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

namespace openmmp::supervisor {

namespace {

Failure refused(const char* what) {
  return fail(Errc::refused, fmt::format("{}: {}", what, std::strerror(errno)));
}

std::string first_line(int fd) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  const std::string content(text.data(), size > 0 ? static_cast<size_t>(size) : 0);
  return content.substr(0, content.find('\n'));
}

}  // namespace

Result<PidFile> PidFile::lock() {
  if (::mkdir("run", 0755) != 0 && errno != EEXIST) return refused("cannot create run/");
  UniqueFd file(::open(pid_file_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file) return refused(pid_file_path);
  // A lock and not the pid in the file, which after a crash may be another program's.
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return refused(pid_file_path);
    return fail(Errc::refused, fmt::format("already running, pid {}", first_line(file.get())));
  }
  struct stat status {};
  // Its last owner removed it between our open and our lock: what we hold is nobody's any more.
  if (::fstat(file.get(), &status) == 0 && status.st_nlink == 0) return lock();
  return PidFile(std::move(file));
}

Result<> PidFile::write() {
  const std::string line = fmt::format("{}\n", ::getpid());
  const auto size = static_cast<ssize_t>(line.size());
  if (::ftruncate(file_.get(), 0) != 0 ||
      ::pwrite(file_.get(), line.data(), line.size(), 0) != size) {
    return refused(pid_file_path);
  }
  return {};
}

// Before the lock is given up, so that nobody can lock the file that is about to go.
void PidFile::remove() {
  ::unlink(pid_file_path);
  file_.reset();
}

std::string executable_directory() {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  const std::string file(path.data(), size > 0 ? static_cast<size_t>(size) : 0);
  return file.substr(0, file.rfind('/'));
}

}  // namespace openmmp::supervisor
