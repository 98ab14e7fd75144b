#include "ipc/runtime/log.h"

#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "ipc/runtime/text.h"

namespace openmmp {

namespace {

constexpr size_t flush_size = 32 * 1024;

std::string_view word_for(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return "Error";
    case LogLevel::warning:
      return "Warning";
    case LogLevel::notice:
      return "Notice";
    case LogLevel::info:
      return "Information";
    case LogLevel::debug:
      return "Debug";
  }
  return "Debug";
}

std::string host_name() {
  char name[256] = "localhost";
  gethostname(name, sizeof name - 1);
  const std::string_view full(name);
  return std::string(full.substr(0, full.find('.')));
}

}  // namespace

Log::Log(std::string process)
    : process_(fmt::format("{} {}[{}]", host_name(), process, getpid())) {}

void Log::set_file(UniqueFd file) {
  flush();
  file_ = std::move(file);
}

void Log::refresh_date() {
  const time_t now = time(nullptr);
  if (now == second_) return;
  second_ = now;
  struct tm local;
  localtime_r(&now, &local);
  char text[64];
  text[strftime(text, sizeof text, "[%d/%b/%Y:%H:%M:%S %z] ", &local)] = '\0';
  date_ = text;
}

size_t Log::begin_line(LogLevel level, uint64_t id) {
  refresh_date();
  pending_ += date_;
  pending_ += process_;
  pending_ += ": General ";
  pending_ += word_for(level);
  pending_ += ": ";
  if (id != 0) fmt::format_to(std::back_inserter(pending_), "(id {}) ", id);
  return pending_.size();
}

void Log::end_line(size_t start) {
  const auto text = pending_.begin() + static_cast<std::ptrdiff_t>(start);
  if (std::any_of(text, pending_.end(), is_control)) {
    const std::string raw = pending_.substr(start);
    pending_.resize(start);
    for (const char c : raw) {
      if (is_control(c)) {
        fmt::format_to(std::back_inserter(pending_), "\\x{:02x}", static_cast<unsigned char>(c));
      } else {
        pending_ += c;
      }
    }
  }
  pending_ += '\n';
  if (pending_.size() > flush_size) flush();
}

void Log::flush() {
  if (pending_.empty()) return;
  // What the disk does not take is lost: a full disk must not stop mail.
  const int fd = file_ ? file_.get() : STDERR_FILENO;
  [[maybe_unused]] const ssize_t written = ::write(fd, pending_.data(), pending_.size());
  pending_.clear();
  if (pending_.capacity() > 2 * flush_size) pending_.shrink_to_fit();
}

}  // namespace openmmp
