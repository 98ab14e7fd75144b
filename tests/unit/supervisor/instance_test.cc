#include "supervisor/instance.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "supervisor/log_files.h"

namespace openmmp::supervisor {
namespace {

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// In a directory of its own, which is the working directory as it is for mmpd.
class InstanceTest : public testing::Test {
 protected:
  InstanceTest() : before_(std::filesystem::current_path()) {
    char name[] = "/tmp/openmmp-instance-XXXXXX";
    directory_ = ::mkdtemp(name);
    std::filesystem::current_path(directory_);
  }
  ~InstanceTest() override {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(directory_);
  }
  const std::filesystem::path before_;
  std::filesystem::path directory_;
};

TEST_F(InstanceTest, OneDirectoryOneOwner) {
  Result<PidFile> first = PidFile::lock();
  ASSERT_TRUE(first) << first.error().detail;
  ASSERT_TRUE(first->write());
  const std::string pid = std::to_string(::getpid());
  EXPECT_EQ(content("run/mmpd.pid"), pid + "\n");
  const Result<PidFile> second = PidFile::lock();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().detail, "already running, pid " + pid);
  first->remove();
  EXPECT_FALSE(std::filesystem::exists("run/mmpd.pid"));
  EXPECT_TRUE(PidFile::lock());
}

TEST_F(InstanceTest, AStalePidFileIsNoOwner) {
  std::filesystem::create_directory("run");
  std::ofstream("run/mmpd.pid") << "1234567890123\n";
  Result<PidFile> file = PidFile::lock();
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write());
  EXPECT_EQ(content("run/mmpd.pid"), std::to_string(::getpid()) + "\n");
}

TEST_F(InstanceTest, LogFilesAppendAndStayInTheirDirectory) {
  LogFiles files;
  const std::string path = "log/ImapProxy_" + today() + ".log";
  for (const char* line : {"one\n", "two\n"}) {
    const Result<UniqueFd> file = files.open("log", "ImapProxy");
    ASSERT_TRUE(file) << file.error().detail;
    EXPECT_EQ(::write(file->get(), line, 4), 4);
  }
  EXPECT_EQ(content(path), "one\ntwo\n");
  EXPECT_FALSE(files.new_day());

  // A link that somebody left where root is about to append is not followed.
  std::filesystem::remove(path);
  std::filesystem::create_symlink("/etc/passwd", path);
  const Result<UniqueFd> link = files.open("log", "ImapProxy");
  ASSERT_FALSE(link);
  EXPECT_NE(link.error().detail.find(path), std::string::npos);
  EXPECT_FALSE(files.open("no/such/log", "ImapProxy"));
}

TEST(LogFilesTest, ADayPassesOnce) {
  // Between these two zones there are 26 hours: the date in them is never the same.
  ::setenv("TZ", "AAA-14", 1);
  ::tzset();
  LogFiles files;
  ::setenv("TZ", "BBB+12", 1);
  ::tzset();
  EXPECT_TRUE(files.new_day());
  EXPECT_FALSE(files.new_day());
  ::unsetenv("TZ");
  ::tzset();
}

}  // namespace
}  // namespace openmmp::supervisor
