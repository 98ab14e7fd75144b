#include "supervisor/ticket_keys.h"

#include <gtest/gtest.h>

namespace openmmp::supervisor {
namespace {

// Keys 'a', 'b', ... in the order of their making.
char next_letter = 'a';
tls::TicketKey make() {
  return std::move(*tls::TicketKey::from_bytes(std::string(tls::TicketKey::size, next_letter++)));
}

// "ba": the keys of a service by their letters, "-" when it has none.
std::string letters(const tls::TicketKeys* keys) {
  if (keys == nullptr) return "-";
  std::string text;
  for (const tls::TicketKey& key : *keys) text += key.bytes()[0];
  return text;
}

class TicketKeys : public testing::Test {
 protected:
  TicketKeys() { next_letter = 'a'; }
  std::string keys_of(const std::string& service, int period, int now) {
    return letters(ring_.keys_of(service, Time(period), Time(now)));
  }
  TicketKeyring ring_{make};
};

TEST_F(TicketKeys, StayTheSameForWorkersAndGenerations) {
  EXPECT_EQ(keys_of("imap", 100, 0), "a");
  EXPECT_EQ(keys_of("pop", 100, 10), "b");
  EXPECT_EQ(keys_of("imap", 100, 20), "a");
  EXPECT_EQ(letters(ring_.find("imap")), "a");
  EXPECT_EQ(letters(ring_.find("pop")), "b");
  EXPECT_EQ(letters(ring_.find("other")), "-");
}

TEST_F(TicketKeys, NoneWithoutAPeriod) {
  EXPECT_EQ(keys_of("imap", 0, 0), "-");
  EXPECT_EQ(ring_.due(), std::nullopt);
  EXPECT_TRUE(ring_.rotate(Time(1000)).empty());
}

TEST_F(TicketKeys, RotateWhenDue) {
  keys_of("imap", 100, 0);
  keys_of("pop", 100, 50);
  const struct {
    int now;
    std::vector<std::string> changed;
    std::string_view imap;
    std::string_view pop;
    int due;
  } steps[] = {
      {99, {}, "a", "b", 100},    {100, {"imap"}, "ca", "b", 150},
      {149, {}, "ca", "b", 150},  {150, {"pop"}, "ca", "db", 200},
      {199, {}, "ca", "db", 200}, {260, {"imap", "pop"}, "ec", "fd", 360},
      {261, {}, "ec", "fd", 360}, {10000, {"imap", "pop"}, "ge", "hf", 10100},
  };
  for (const auto& step : steps) {
    EXPECT_EQ(ring_.rotate(Time(step.now)), step.changed) << step.now;
    EXPECT_EQ(letters(ring_.find("imap")), step.imap) << step.now;
    EXPECT_EQ(letters(ring_.find("pop")), step.pop) << step.now;
    EXPECT_EQ(ring_.due(), Time(step.due)) << step.now;
  }
}

TEST_F(TicketKeys, ANewPeriodCountsFromTheLastKey) {
  keys_of("imap", 100, 0);
  EXPECT_EQ(keys_of("imap", 30, 20), "a");
  EXPECT_EQ(ring_.due(), Time(30));
  EXPECT_EQ(keys_of("imap", 500, 25), "a");
  EXPECT_EQ(ring_.due(), Time(500));
}

TEST_F(TicketKeys, ServicesThatAreGoneAreForgotten) {
  keys_of("imap", 100, 0);
  keys_of("pop", 10, 0);
  ring_.keep({"imap"});
  EXPECT_EQ(ring_.find("pop"), nullptr);
  EXPECT_EQ(ring_.due(), Time(100));
  EXPECT_EQ(keys_of("pop", 10, 5), "c") << "never the same again";
}

TEST_F(TicketKeys, PeriodIsThatOfTheService) {
  config::Settings settings;
  EXPECT_EQ(ticket_period(settings), Time(0));
  settings.ssl_enable = true;
  EXPECT_EQ(ticket_period(settings), Time(7'200'000));
  settings.ssl_ticket_time = Seconds(0);
  EXPECT_EQ(ticket_period(settings), Time(0));
}

}  // namespace
}  // namespace openmmp::supervisor
