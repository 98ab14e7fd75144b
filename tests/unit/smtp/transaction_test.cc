#include "workers/smtp/transaction.h"

#include <gtest/gtest.h>

#include "workers/smtp/command_group.h"

namespace openmmp::smtp {
namespace {

TEST(Transaction, KeepsWhatAnotherRelayWouldHaveToBeTold) {
  Transaction transaction;
  EXPECT_FALSE(transaction.begun());
  transaction.begin("MAIL FROM:<a@x>");
  transaction.add_recipient("RCPT TO:<b@x>");
  transaction.add_recipient("RCPT TO:<c@x>");
  EXPECT_TRUE(transaction.begun());
  EXPECT_EQ(transaction.recipients(), 2u);
  EXPECT_EQ(transaction.commands(), "MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\n");
  transaction.add_chunk(10);
  transaction.add_chunk(0);
  EXPECT_TRUE(transaction.has_chunks());
  EXPECT_EQ(transaction.octets(), 10u);
}

TEST(Transaction, EndsWithoutATrace) {
  Transaction transaction;
  transaction.begin("MAIL FROM:<a@x>");
  transaction.add_recipient("RCPT TO:<b@x>");
  transaction.add_chunk(10);
  transaction.give_up("451 4.4.2 Lost.");
  EXPECT_EQ(transaction.obstacle(), "451 4.4.2 Lost.");
  transaction.clear();
  EXPECT_FALSE(transaction.begun() || transaction.has_chunks());
  EXPECT_EQ(transaction.recipients() + transaction.octets(), 0u);
  EXPECT_EQ(transaction.commands() + transaction.obstacle(), "");
  transaction.give_up("451 4.4.2 Lost.");
  transaction.begin("MAIL FROM:<d@x>");
  EXPECT_EQ(transaction.obstacle(), "") << "the next message is another one";
  EXPECT_EQ(transaction.commands(), "MAIL FROM:<d@x>\r\n");
}

// MAIL for the relay, an answer of ours, then what follows a MAIL.
CommandGroup group_of_four() {
  CommandGroup group;
  group.clear();
  group.forward(Verb::mail, "MAIL FROM:<a@x>");
  group.answer("501 5.1.3 No.");
  group.forward(Verb::rcpt, "RCPT TO:<b@x>");
  group.forward(Verb::data, "DATA");
  return group;
}

TEST(CommandGroup, KeepsTheOrderOfCommandsAndAnswers) {
  CommandGroup group = group_of_four();
  EXPECT_EQ(group.awaited(), 3u);
  EXPECT_EQ(group.awaited_lines(), "MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n");
  const struct {
    bool is_ours;
    const char* text;
    size_t awaited;  // behind it
  } slots[] = {
      {false, "MAIL FROM:<a@x>", 2},
      {true, "501 5.1.3 No.", 2},
      {false, "RCPT TO:<b@x>", 1},
      {false, "DATA", 0},
  };
  for (const auto& slot : slots) {
    ASSERT_FALSE(group.is_answered());
    EXPECT_EQ(group.front().is_ours, slot.is_ours);
    EXPECT_EQ(group.front().text, slot.text);
    group.pop();
    EXPECT_EQ(group.awaited(), slot.awaited) << slot.text;
  }
  EXPECT_TRUE(group.is_answered());
  EXPECT_EQ(group.awaited_lines(), "");
}

TEST(CommandGroup, AnotherRelayGetsWhatHasNoAnswerYet) {
  CommandGroup group = group_of_four();
  group.pop();
  EXPECT_EQ(group.awaited_lines(), "RCPT TO:<b@x>\r\nDATA\r\n");
}

TEST(CommandGroup, GivesUpTheTransactionAndNoOther) {
  CommandGroup group = group_of_four();
  group.forward(Verb::rset, "RSET");
  group.forward(Verb::mail, "MAIL FROM:<c@x>");
  group.forward(Verb::rcpt, "RCPT TO:<d@x>");
  group.pop();
  group.pop();
  EXPECT_TRUE(group.give_up("451 4.4.2 Lost.")) << "DATA was among it";
  EXPECT_EQ(group.awaited_lines(), "RSET\r\nMAIL FROM:<c@x>\r\nRCPT TO:<d@x>\r\n");
  for (int n = 0; n < 2; ++n) {
    EXPECT_TRUE(group.front().is_ours);
    EXPECT_EQ(group.front().text, "451 4.4.2 Lost.");
    group.pop();
  }
  EXPECT_EQ(group.front().verb, Verb::rset);
}

TEST(CommandGroup, IsUsedAgain) {
  CommandGroup group = group_of_four();
  group.close();
  EXPECT_TRUE(group.is_closed());
  group.clear();
  EXPECT_TRUE(group.empty() && group.is_answered() && !group.is_closed());
  group.forward(Verb::noop, "NOOP");
  EXPECT_EQ(group.awaited_lines(), "NOOP\r\n");
}

}  // namespace
}  // namespace openmmp::smtp
