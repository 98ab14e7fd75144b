// mmpd, the supervisor of one instance.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <climits>
#include <cstdlib>
#include <iostream>

#include "config/report.h"
#include "ipc/runtime/signals.h"
#include "supervisor/control_answers.h"
#include "supervisor/control_socket.h"
#include "supervisor/instance.h"
#include "supervisor/start_report.h"

namespace openmmp::supervisor {
namespace {

// Exit statuses, as docs/supervision.md has them.
constexpr int done = 0;
constexpr int cannot_start = 1;
constexpr int wrong_configuration = 2;

struct Options {
  std::string directory = ".";
  bool foreground = false;
  bool check = false;
  bool json = false;
};

int check(const Options& options) {
  const config::Config config = config::load(options.directory);
  std::cout << (options.json ? config::check_json(config) : config::check_text(config));
  return config.ok() ? done : wrong_configuration;
}

// A session is two descriptors, and workers inherit our limit.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int serve(const std::string& directory, config::Config config, PidFile& pid_file,
          StartReport& report) {
  Loop loop;
  Log log("AService");
  Supervisor supervisor(loop, log, directory, executable_directory());
  int status = done;
  auto on_started = [&](const Supervisor::Outcome& outcome) {
    for (const std::string& message : outcome.messages) report.say(message);
    if (!outcome.ok) {
      report.say("no worker could be started");
      status = cannot_start;
      return;  // the command is told when everything is gone
    }
    report.finish(done);
  };
  Result<> started = pid_file.write();
  if (started) started = supervisor.start(std::move(config), on_started);
  if (!started) {
    report.say(started.error().detail);
    return cannot_start;
  }
  auto handler = [&supervisor](proto::ControlRequest request) {
    return answer(supervisor, std::move(request));
  };
  Result<UniqueFd> listener = ControlSocket::listen_on(control_socket_path);
  if (!listener) {
    report.say(listener.error().detail);
    return cannot_start;
  }
  const ControlSocket control(loop, control_socket_path, std::move(*listener), std::move(handler));
  auto stop = [](void* self) { static_cast<Supervisor*>(self)->stop(); };
  auto reload = [](void* self) { static_cast<Supervisor*>(self)->reload(); };
  const SignalWatch terminate(loop, SIGTERM, &supervisor, stop);
  const SignalWatch interrupt(loop, SIGINT, &supervisor, stop);
  const SignalWatch hang_up(loop, SIGHUP, &supervisor, reload);
  loop.run();
  return status;
}

int start(const Options& options) {
  char directory[PATH_MAX];
  if (::realpath(options.directory.c_str(), directory) == nullptr || ::chdir(directory) != 0) {
    std::cerr << "mmpd: " << options.directory << ": " << std::strerror(errno) << '\n';
    return wrong_configuration;
  }
  config::Config config = config::load(directory);
  Result<> startable = config.ok() ? make_startable(config, executable_directory()) : Result<>();
  for (const config::Diagnostic& diagnostic : config.diagnostics) {
    if (diagnostic.severity == config::Severity::note) continue;
    std::cerr << "mmpd: " << diagnostic.to_string() << '\n';
  }
  if (!startable) std::cerr << "mmpd: " << startable.error().detail << '\n';
  if (!config.ok() || !startable) return wrong_configuration;

  Result<PidFile> pid_file = PidFile::lock();
  if (!pid_file) {
    std::cerr << "mmpd: " << pid_file.error().detail << '\n';
    return cannot_start;
  }
  Result<StartReport> report =
      options.foreground ? StartReport::foreground() : StartReport::background();
  if (!report) return cannot_start;
  const int status = serve(directory, std::move(config), *pid_file, *report);
  pid_file->remove();
  report->finish(status);
  return status;
}

}  // namespace
}  // namespace openmmp::supervisor

int main(int argc, char** argv) {
  using namespace openmmp;
  supervisor::Options options;
  CLI::App app("The supervisor of one openmmp instance: starts its workers and keeps them.",
               "mmpd");
  app.set_version_flag("--version", OPENMMP_VERSION);
  app.add_option("-d", options.directory, "directory of the instance")->capture_default_str();
  app.add_flag("--foreground", options.foreground, "stay attached to the terminal");
  app.add_flag("--check", options.check, "read the configuration, say what is wrong with it, exit");
  app.add_flag("--json", options.json, "with --check: as one JSON document");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : supervisor::wrong_configuration;
  }
  if (options.check) return supervisor::check(options);
  // What the shell that started us left open is not for us, and surely not for a worker.
  ::close_range(STDERR_FILENO + 1, UINT_MAX, 0);
  ::umask(022);
  ignore_broken_pipes();
  supervisor::raise_descriptor_limit();
  return supervisor::start(options);
}
