#include "ipc/runtime/child_process.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <uv.h>

#include <array>
#include <cstdlib>

namespace openmmp {

struct ChildProcess::Block {
  uv_process_t process;
  void* owner = nullptr;
  Callback callback = nullptr;
  bool running = false;

  static void on_exit(uv_process_t* process, int64_t status, int signal) {
    auto* block = static_cast<Block*>(process->data);
    block->running = false;
    if (block->callback != nullptr) {
      block->callback(block->owner, static_cast<int>(status), signal);
    }
  }
};

namespace {

// What a daemon's child may know of the shell it was started from.
std::vector<std::string> environment() {
  std::vector<std::string> result{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
  for (const char* name : {"TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"}) {
    const char* value = std::getenv(name);
    if (value != nullptr) result.push_back(fmt::format("{}={}", name, value));
  }
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

uv_stdio_container_t inherited(int fd) {
  uv_stdio_container_t container{};
  container.flags = UV_INHERIT_FD;
  container.data.fd = fd;
  return container;
}

}  // namespace

Result<ChildProcess> ChildProcess::start(Loop& loop, const std::string& file,
                                         const std::vector<std::string>& arguments,
                                         UniqueFd third) {
  std::vector<std::string> argument_strings{file};
  argument_strings.insert(argument_strings.end(), arguments.begin(), arguments.end());
  std::vector<std::string> environment_strings = environment();
  std::vector<char*> argument_pointers = pointers(argument_strings);
  std::vector<char*> environment_pointers = pointers(environment_strings);
  uv_stdio_container_t nowhere{};
  nowhere.flags = UV_IGNORE;
  std::array<uv_stdio_container_t, 4> stdio{nowhere, inherited(1), inherited(2),
                                            inherited(third.get())};
  uv_process_options_t options{};
  options.exit_cb = Block::on_exit;
  options.file = file.c_str();
  options.args = argument_pointers.data();
  options.env = environment_pointers.data();
  options.stdio_count = static_cast<int>(stdio.size());
  options.stdio = stdio.data();

  auto* block = new Block;
  const int error = uv_spawn(loop.uv(), &block->process, &options);
  block->process.data = block;
  ChildProcess child(block);  // from here on closed properly, also when it did not start
  if (error != 0) {
    return fail(Errc::unavailable, fmt::format("cannot start {}: {}", file, uv_strerror(error)));
  }
  block->running = true;
  return child;
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    close();
    block_ = std::exchange(other.block_, nullptr);
  }
  return *this;
}

pid_t ChildProcess::pid() const { return block_->process.pid; }
bool ChildProcess::running() const { return block_ != nullptr && block_->running; }

void ChildProcess::set_owner(void* owner, Callback callback) {
  block_->owner = owner;
  block_->callback = callback;
}

void ChildProcess::kill(int signal) {
  if (running()) uv_process_kill(&block_->process, signal);
}

void ChildProcess::close() {
  if (block_ == nullptr) return;
  Block* block = std::exchange(block_, nullptr);
  if (block->running) {
    // libuv forgets the process with its handle: without this a zombie would stay.
    ::kill(block->process.pid, SIGKILL);
    while (waitpid(block->process.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&block->process),
           [](uv_handle_t* handle) { delete static_cast<Block*>(handle->data); });
}

}  // namespace openmmp
