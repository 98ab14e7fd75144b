#include "config/instance_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "config/config.h"
#include "ipc/runtime/unique_fd.h"

namespace openmmp::config {
namespace {

namespace fs = std::filesystem;

// O_NONBLOCK, so that a FIFO in the place of a file does not hang the supervisor.
Result<UniqueFd> open_regular(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return fail(Errc::unavailable, std::strerror(errno));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail(Errc::unavailable, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fail(Errc::unavailable, "is not a regular file");
  return fd;
}

}  // namespace

// By blocks, because the size that stat(2) tells may change before the end is reached.
Result<std::string> read_file(const std::string& path, size_t limit) {
  const Result<UniqueFd> fd = open_regular(path);
  if (!fd) return fail(fd.error());
  std::string text;
  char block[16 * 1024];
  for (;;) {
    const ssize_t got = ::read(fd->get(), block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Errc::unavailable, std::strerror(errno));
    if (got == 0) return text;
    text.append(block, static_cast<size_t>(got));
    if (text.size() > limit) {
      return fail(Errc::limit, fmt::format("is larger than {} bytes", limit));
    }
  }
}

Result<> check_readable(const std::string& path) {
  const Result<UniqueFd> fd = open_regular(path);
  if (!fd) return fail(fd.error());
  return {};
}

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string template_of(const std::string& path) {
  constexpr std::string_view extension = ".cfg";
  if (!path.ends_with(extension)) return {};
  return path.substr(0, path.size() - extension.size()) + "-def.cfg";
}

Supplied supply_from_template(const std::string& path) {
  std::error_code error;
  if (fs::exists(path, error)) return Supplied::was_there;
  const std::string original = template_of(path);
  if (original.empty() || !fs::is_regular_file(original, error)) return Supplied::missing;
  // Fails when somebody else has just made the file, which is then the one to read.
  fs::copy_file(original, path, error);
  if (!error) return Supplied::copied;
  return fs::exists(path, error) ? Supplied::was_there : Supplied::read_only;
}

std::string path_in(const std::string& directory, const std::string& path) {
  return (fs::path(directory) / path).string();
}

}  // namespace openmmp::config
