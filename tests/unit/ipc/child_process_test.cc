#include "ipc/runtime/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "ipc/runtime/signals.h"
#include "ipc/transport.h"

namespace openmmp {
namespace {

struct End {
  static void note(void* self, int status, int signal) {
    auto* end = static_cast<End*>(self);
    end->status = status;
    end->signal = signal;
    ++end->times;
  }
  int status = -1;
  int signal = -1;
  int times = 0;
};

UniqueFd null() { return UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)); }

Result<ChildProcess> shell(Loop& loop, const char* script, UniqueFd third = null()) {
  return ChildProcess::start(loop, "/bin/sh", {"-c", script}, std::move(third));
}

TEST(ChildProcess, StatusAndSignal) {
  struct Case {
    const char* script;
    int status;
    int signal;
  };
  const Case cases[] = {{"exit 0", 0, 0}, {"exit 7", 7, 0}, {"kill -9 $$", 0, SIGKILL}};
  Loop loop;
  for (const Case& c : cases) {
    auto child = shell(loop, c.script);
    ASSERT_TRUE(child) << child.error().detail;
    End end;
    child->set_owner(&end, End::note);
    EXPECT_TRUE(child->running());
    loop.run();
    EXPECT_EQ(end.status, c.status);
    EXPECT_EQ(end.signal, c.signal);
    EXPECT_EQ(end.times, 1);
    EXPECT_FALSE(child->running());
  }
}

TEST(ChildProcess, ThirdDescriptorAndNoneOfOurs) {
  Loop loop;
  auto pair = ipc::socket_pair();
  const UniqueFd ours(::fcntl(null().get(), F_DUPFD_CLOEXEC, 200));
  const std::string script =
      "test ! -e /proc/self/fd/" + std::to_string(ours.get()) + " && echo alone >&3";
  auto child = shell(loop, script.c_str(), std::move(pair->second));
  End end;
  child->set_owner(&end, End::note);
  loop.run();
  EXPECT_EQ(end.status, 0);
  char text[100];
  const ssize_t size = ::read(pair->first.get(), text, sizeof text);
  EXPECT_EQ(std::string(text, static_cast<size_t>(std::max<ssize_t>(size, 0))), "alone\n");
}

TEST(ChildProcess, EnvironmentIsOurs) {
  ::setenv("OPENMMP_TEST_LEAK", "1", 1);
  Loop loop;
  auto child = shell(loop, "test -z \"$OPENMMP_TEST_LEAK\" && test -n \"$PATH\"");
  End end;
  child->set_owner(&end, End::note);
  loop.run();
  EXPECT_EQ(end.status, 0);
}

TEST(ChildProcess, WhatIsNotThereDoesNotStart) {
  Loop loop;
  auto child = ChildProcess::start(loop, "/nonexistent/worker", {}, null());
  ASSERT_FALSE(child);
  EXPECT_NE(child.error().detail.find("/nonexistent/worker"), std::string::npos);
}

TEST(ChildProcess, DestroyedMeansGone) {
  Loop loop;
  pid_t pid = 0;
  {
    auto child = shell(loop, "exec cat <&3 >/dev/null", UniqueFd(::open("/dev/zero", O_RDONLY)));
    ASSERT_TRUE(child);
    pid = child->pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);  // not even a zombie
  loop.run();
}

TEST(SignalWatch, CallsBackAndMayBeDestroyedThere) {
  Loop loop;
  std::optional<SignalWatch> watch;
  watch.emplace(loop, SIGUSR1, &watch,
                [](void* self) { static_cast<std::optional<SignalWatch>*>(self)->reset(); });
  Timer busy(loop);  // the watch alone does not keep a loop going
  busy.start(
      Seconds(3600), [](void*) {}, nullptr);
  ::kill(::getpid(), SIGUSR1);
  for (int turns = 0; turns < 10000 && watch; ++turns) loop.run_turn();
  EXPECT_FALSE(watch);
}

}  // namespace
}  // namespace openmmp
