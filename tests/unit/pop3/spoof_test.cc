#include "workers/pop3/spoof.h"

#include <gtest/gtest.h>

namespace openmmp::pop3 {
namespace {

constexpr const char* gone = "-ERR There is no such message.\r\n";

struct Exchange {
  const char* command;
  std::string answer;
};

void play(SpoofMailbox& mailbox, const std::vector<Exchange>& exchanges) {
  for (const Exchange& e : exchanges) EXPECT_EQ(mailbox.answer(e.command), e.answer) << e.command;
}

TEST(SpoofMessage, IsPutRight) {
  const struct {
    const char* file;
    const char* sent;
    size_t octets;
  } cases[] = {
      {"S: x\r\n\r\nbody\r\n", "S: x\r\n\r\nbody\r\n", 14},
      {"S: x\n\nbody\n", "S: x\r\n\r\nbody\r\n", 14},
      {"S: x\r\n\r\nbody", "S: x\r\n\r\nbody\r\n", 14},
      {"S: x\r\n\r\n..dot\r\n", "S: x\r\n\r\n..dot\r\n", 14},
      // The end mark, and one in the middle.
      {"S: x\r\n\r\nbody\r\n.\r\n", "S: x\r\n\r\nbody\r\n", 14},
      {"S: x\r\n\r\nbody\n.", "S: x\r\n\r\nbody\r\n", 14},
      {"S: x\r\n\r\n.\r\nbody\r\n", "S: x\r\n\r\n..\r\nbody\r\n", 17},
      {"", "", 0},
  };
  for (const auto& c : cases) {
    const SpoofMessage message(c.file);
    EXPECT_EQ(message.text(), c.sent) << c.file;
    EXPECT_EQ(message.octets(), c.octets) << c.file;
  }
}

TEST(SpoofMessage, HasATop) {
  const SpoofMessage message("S: x\r\nT: y\r\n\r\n1\r\n2\r\n");
  const struct {
    size_t lines;
    const char* top;
  } cases[] = {{0, "S: x\r\nT: y\r\n\r\n"},
               {1, "S: x\r\nT: y\r\n\r\n1\r\n"},
               {2, "S: x\r\nT: y\r\n\r\n1\r\n2\r\n"},
               {~size_t{0}, "S: x\r\nT: y\r\n\r\n1\r\n2\r\n"}};
  for (const auto& c : cases) EXPECT_EQ(message.top(c.lines), c.top) << c.lines;
  EXPECT_EQ(SpoofMessage("S: x\r\n").top(0), "S: x\r\n");
  EXPECT_EQ(SpoofMessage("\r\nbody\r\n").top(0), "\r\n");
  EXPECT_EQ(SpoofMessage("").top(3), "");
}

TEST(SpoofMessage, KeepsItsName) {
  EXPECT_EQ(SpoofMessage("S: x\r\n\r\nbody\r\n").uid(), SpoofMessage("S: x\n\nbody\n").uid());
  EXPECT_NE(SpoofMessage("S: x\r\n\r\nbody\r\n").uid(), SpoofMessage("S: y\r\n\r\nbody\r\n").uid());
  EXPECT_EQ(SpoofMessage("S: x\r\n\r\nbody\r\n").uid(), "b9b62aa65263bf5f");
}

TEST(SpoofMailbox, IsEmpty) {
  SpoofMailbox mailbox(nullptr);
  play(mailbox, {{"STAT", "+OK 0 0\r\n"},
                 {"LIST", "+OK\r\n.\r\n"},
                 {"UIDL", "+OK\r\n.\r\n"},
                 {"LIST 1", gone},
                 {"UIDL 1", gone},
                 {"RETR 1", gone},
                 {"TOP 1 0", gone},
                 {"DELE 1", gone},
                 {"LAST", "+OK 0\r\n"},
                 {"NOOP", "+OK\r\n"},
                 {"RSET", "+OK\r\n"}});
}

TEST(SpoofMailbox, HoldsOneMessage) {
  const SpoofMessage message("S: x\r\n\r\n1\r\n2\r\n");
  SpoofMailbox mailbox(&message);
  play(mailbox, {{"STAT", "+OK 1 14\r\n"},
                 {"stat", "+OK 1 14\r\n"},
                 {"LIST", "+OK\r\n1 14\r\n.\r\n"},
                 {"LIST 1", "+OK 1 14\r\n"},
                 {"UIDL", "+OK\r\n1 " + message.uid() + "\r\n.\r\n"},
                 {"UIDL 1", "+OK 1 " + message.uid() + "\r\n"},
                 {"RETR 1", "+OK 14 octets\r\nS: x\r\n\r\n1\r\n2\r\n.\r\n"},
                 {"RETR  1 ", "+OK 14 octets\r\nS: x\r\n\r\n1\r\n2\r\n.\r\n"},
                 {"TOP 1 0", "+OK\r\nS: x\r\n\r\n.\r\n"},
                 {"TOP 1  1", "+OK\r\nS: x\r\n\r\n1\r\n.\r\n"},
                 {"TOP 1", "-ERR TOP takes a message and a number of lines.\r\n"},
                 {"TOP 1 -1", "-ERR TOP takes a message and a number of lines.\r\n"}});
  for (const char* number : {"0", "2", "-1", "+1", "1x", "99999999999999999999999", ""}) {
    EXPECT_EQ(mailbox.answer(std::string("RETR ") + number), gone) << number;
  }
}

TEST(SpoofMailbox, DeletesForTheSession) {
  const SpoofMessage message("S: x\r\n\r\n1\r\n");
  SpoofMailbox mailbox(&message);
  play(mailbox, {{"DELE 1", "+OK\r\n"},
                 {"DELE 1", gone},
                 {"RETR 1", gone},
                 {"STAT", "+OK 0 0\r\n"},
                 {"LIST", "+OK\r\n.\r\n"},
                 {"RSET", "+OK\r\n"},
                 {"STAT", "+OK 1 11\r\n"}});
}

TEST(SpoofMailbox, KnowsWhatIsNoCommand) {
  SpoofMailbox mailbox(nullptr);
  for (const char* line : {"", " ", "USER joe", "PASS secret", "STLS", "STATS", "GET / HTTP/1.1"}) {
    EXPECT_EQ(mailbox.answer(line), "-ERR Unknown command.\r\n") << line;
    EXPECT_TRUE(mailbox.is_bad()) << line;
  }
  EXPECT_EQ(mailbox.answer("NOOP"), "+OK\r\n");
  EXPECT_FALSE(mailbox.is_bad());
}

TEST(SpoofMailbox, EndsWithQuit) {
  SpoofMailbox mailbox(nullptr);
  EXPECT_FALSE(mailbox.has_quit());
  EXPECT_EQ(mailbox.answer("QUIT"), "+OK Bye.\r\n");
  EXPECT_TRUE(mailbox.has_quit());
}

}  // namespace
}  // namespace openmmp::pop3
