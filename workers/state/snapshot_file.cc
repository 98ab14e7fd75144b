#include "workers/state/snapshot_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace openmmp::state {

namespace {

constexpr const char* new_name = "snapshot.new";
constexpr off_t longest = off_t{1} << 30;  // ten million bad guys and more

Failure failed(const char* what) {
  return fail(Errc::unavailable, fmt::format("cannot {} the snapshot: {}", what, strerror(errno)));
}

}  // namespace

Result<std::optional<proto::Snapshot>> read_snapshot(const UniqueFd& directory) {
  const UniqueFd file(
      ::openat(directory.get(), snapshot_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file && errno == ENOENT) return std::nullopt;
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return failed("read");
  proto::Snapshot snapshot;
  if (!S_ISREG(status.st_mode) || status.st_size > longest ||
      !snapshot.ParseFromFileDescriptor(file.get())) {
    return fail(Errc::protocol, "the snapshot is none");
  }
  return snapshot;
}

Result<> write_snapshot(const UniqueFd& directory, const proto::Snapshot& snapshot) {
  const UniqueFd file(::openat(directory.get(), new_name,
                               O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file || !snapshot.SerializeToFileDescriptor(file.get())) return failed("write");
  if (::renameat(directory.get(), new_name, directory.get(), snapshot_name) != 0) {
    return failed("put in place");
  }
  return {};
}

}  // namespace openmmp::state
