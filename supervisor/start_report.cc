#include "supervisor/start_report.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace openmmp::supervisor {

namespace {

// What libraries, sanitizers and a dying worker print, for want of a better place.
constexpr const char* stray_output = "run/stderr";

[[noreturn]] void wait_for_report(int pipe) {
  unsigned char status = 1;  // the child died without a word
  ssize_t size;
  do {
    size = ::read(pipe, &status, 1);
  } while (size < 0 && errno == EINTR);
  // Not exit(): what is buffered is the child's too, and would be printed twice.
  ::_exit(status);
}

Result<> leave_terminal() {
  ::setsid();
  const UniqueFd nowhere(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const UniqueFd stray(
      ::open(stray_output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0640));
  if (!nowhere || !stray) {
    return fail(Errc::unavailable, fmt::format("{}: {}", stray_output, std::strerror(errno)));
  }
  ::dup2(nowhere.get(), STDIN_FILENO);
  ::dup2(stray.get(), STDOUT_FILENO);
  ::dup2(stray.get(), STDERR_FILENO);
  return {};
}

}  // namespace

Result<StartReport> StartReport::background() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(Errc::limit, std::strerror(errno));
  UniqueFd reading(ends[0]);
  StartReport report;
  report.waiting_ = UniqueFd(ends[1]);
  report.terminal_ = UniqueFd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  const pid_t child = ::fork();
  if (child < 0) return fail(Errc::limit, fmt::format("fork: {}", std::strerror(errno)));
  if (child > 0) {
    // Our own copy of the writing end would keep the pipe open when the child dies.
    report.waiting_.reset();
    wait_for_report(reading.get());
  }
  if (Result<> left = leave_terminal(); !left) {
    report.say(left.error().detail);
    return fail(std::move(left.error()));
  }
  return report;
}

void StartReport::say(const std::string& line) {
  const std::string text = "mmpd: " + line + "\n";
  const int fd = terminal_ ? terminal_.get() : STDERR_FILENO;
  [[maybe_unused]] const ssize_t written = ::write(fd, text.data(), text.size());
}

void StartReport::finish(int status) {
  if (waiting_) {
    const auto byte = static_cast<unsigned char>(status);
    [[maybe_unused]] const ssize_t written = ::write(waiting_.get(), &byte, 1);
  }
  waiting_.reset();
  terminal_.reset();
}

}  // namespace openmmp::supervisor
