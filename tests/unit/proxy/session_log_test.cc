#include "workers/proxy/session_log.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace openmmp::proxy {
namespace {

TEST(RefusalFor, TellsTheClientOnlyWhatItMayKnow) {
  const struct {
    Stage stage;
    Errc code;
    Refusal refusal;
  } cases[] = {
      // A user that is not there and a password that is wrong look the same.
      {Stage::directory, Errc::refused, Refusal::credentials},
      {Stage::login, Errc::refused, Refusal::credentials},
      {Stage::directory, Errc::unavailable, Refusal::unavailable},
      {Stage::directory, Errc::timeout, Refusal::unavailable},
      {Stage::directory, Errc::internal, Refusal::unavailable},
      {Stage::connect, Errc::unavailable, Refusal::store_down},
      {Stage::connect, Errc::timeout, Refusal::store_down},
      {Stage::connect, Errc::refused, Refusal::store_down},
      {Stage::login, Errc::unavailable, Refusal::held},
      {Stage::login, Errc::timeout, Refusal::store_down},
      {Stage::login, Errc::closed, Refusal::store_down},
      {Stage::login, Errc::protocol, Refusal::store_down},
      {Stage::login, Errc::limit, Refusal::store_down},
      // Of the user, who is known by then; a definite no does not tell that.
      {Stage::permission, Errc::refused, Refusal::credentials},
      {Stage::permission, Errc::unavailable, Refusal::held},
      {Stage::seat, Errc::limit, Refusal::too_many},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(refusal_for(c.stage, Error(c.code, "")), c.refusal)
        << static_cast<int>(c.stage) << ' ' << static_cast<int>(c.code);
  }
}

TEST(Excerpt, EndsWithAMarkWhereItWasCut) {
  EXPECT_EQ(excerpt("", 4), "");
  EXPECT_EQ(excerpt("abcd", 4), "abcd");
  EXPECT_EQ(excerpt("abcde", 4), "abcd...");
  EXPECT_EQ(excerpt("abc\xc3\xbc", 4), "abc...");  // not half a letter
  EXPECT_EQ(excerpt("\x80\x80\x80", 2), "...");
}

// Of everything that a session writes to a log.
class SessionLog : public testing::Test {
 protected:
  SessionLog() {
    log_.set_file(UniqueFd(::dup(file_.get())));
    log_.set_level(static_cast<int>(LogLevel::info));
  }
  std::string written() {
    log_.flush();
    std::array<char, 65536> buffer{};
    const ssize_t got = ::pread(file_.get(), buffer.data(), buffer.size(), 0);
    return std::string(buffer.data(), got > 0 ? static_cast<size_t>(got) : 0);
  }

  UniqueFd file_{::memfd_create("log", MFD_CLOEXEC)};
  Log log_{"Test"};
  VirtualDomain domain_;
  SessionContext context_{1, *SocketAddress::parse("192.0.2.1", 4711), domain_, log_};
};

TEST_F(SessionLog, HasShortLinesWhateverTheNamesAre) {
  LoginRecord record;
  record.begin(std::string(12000, 'u'));
  const Error error(Errc::refused, "no entry matches " + std::string(12000, 'u'));
  log_failure(context_, record, error);
  record.server = std::string(12000, 's');
  log_failure(context_, record, error);
  log_refused(context_, error);
  log_no_login(context_, error);
  log_login(context_, record, Millis(0));
  log_end(context_, record, RelayEnd(), Millis(1));
  const std::string text = written();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 6) << text;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    EXPECT_LT(end - at, 1300u);
    at = end + 1;
  }
  EXPECT_NE(text.find(std::string(256, 'u') + "... failed"), text.npos);
  EXPECT_NE(text.find(std::string(256, 's') + "..."), text.npos);
}

TEST_F(SessionLog, TellsOfALoginThatWasRefusedHere) {
  log_refused(context_, Error(Errc::refused, "The user name is empty."));
  EXPECT_NE(written().find("login failed - client 192.0.2.1:4711: The user name is empty."),
            std::string::npos)
      << written();
}

}  // namespace
}  // namespace openmmp::proxy
