#include "ipc/runtime/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <regex.h>
#include <sys/mman.h>

#include <algorithm>

namespace openmmp {
namespace {

class LogTest : public testing::Test {
 protected:
  LogTest() : file_(memfd_create("log", 0)), log_("ImapProxy") {
    log_.set_file(UniqueFd(dup(file_.get())));
  }
  std::string written() {
    log_.flush();
    char buffer[65536];
    const ssize_t size = pread(file_.get(), buffer, sizeof buffer, 0);
    return std::string(buffer, static_cast<size_t>(size));
  }
  UniqueFd file_;
  Log log_;
};

TEST_F(LogTest, HasTheFormOfTheOriginal) {
  log_.write(LogLevel::notice, 1019831, "badguy {} now has {} badness", "192.0.2.25", 3);
  log_.write(LogLevel::error, 0, "cannot listen");
  const char* form =
      "^\\[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [-+][0-9]{4}\\] [^ .]+ "
      "ImapProxy\\[[0-9]+\\]: General Notice: \\(id 1019831\\) badguy 192\\.0\\.2\\.25 now has 3 "
      "badness\n\\[[^]]+\\] [^ ]+ ImapProxy\\[[0-9]+\\]: General Error: cannot listen\n$";
  regex_t compiled;
  ASSERT_EQ(regcomp(&compiled, form, REG_EXTENDED | REG_NOSUB), 0);
  EXPECT_EQ(regexec(&compiled, written().c_str(), 0, nullptr, 0), 0) << written();
  regfree(&compiled);
}

TEST_F(LogTest, LevelsBelowThreeAreSilent) {
  log_.set_level(2);
  log_.write(LogLevel::error, 0, "unheard");
  log_.set_level(5);
  log_.write(LogLevel::info, 0, "unheard");
  EXPECT_FALSE(log_.wants(LogLevel::info));
  log_.set_level(10);
  log_.write(LogLevel::debug, 0, "heard");
  EXPECT_EQ(written().find("unheard"), std::string::npos);
  EXPECT_NE(written().find("heard"), std::string::npos);
}

TEST_F(LogTest, APeerCannotWriteLinesOfItsOwn) {
  log_.write(LogLevel::notice, 7, "user {} logged in", "joe\r\n[forged] line\x1b[2J\x7f %n");
  const std::string text = written();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_NE(text.find("joe\\x0d\\x0a[forged] line\\x1b[2J\\x7f %n"), std::string::npos) << text;
}

}  // namespace
}  // namespace openmmp
