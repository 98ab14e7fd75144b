#include <gtest/gtest.h>

#include "tests/unit/proxy/scripted_store.h"
#include "workers/pop3/pop3_dialect.h"

namespace openmmp::pop3 {
namespace {

TEST(Probe, AsksAStoreWhetherItIsWell) {
  const struct {
    const char* what;
    bool well;
    proxy::StoreLines lines;
    const char* heard;
  } cases[] = {
      {"a store",
       true,
       {{"", "+OK ready\r\n"},
        {"CAPA\r\n", "+OK list\r\nUIDL\r\n.\r\n"},
        {"QUIT\r\n", "+OK bye\r\n"}},
       "CAPA\r\nQUIT\r\n"},
      {"one that does not know CAPA",
       true,
       {{"", "+OK ready\r\n"}, {"CAPA\r\n", "-ERR what?\r\n"}, {"QUIT\r\n", "+OK bye\r\n"}},
       "CAPA\r\nQUIT\r\n"},
      {"one that is gone at QUIT",
       true,
       {{"", "+OK ready\r\n"}, {"CAPA\r\n", "-ERR what?\r\n"}},
       "CAPA\r\nQUIT\r\n"},
      {"one that is full", false, {{"", "-ERR [SYS/TEMP] busy\r\n"}}, ""},
      {"another protocol", false, {{"", "* OK IMAP\r\n"}}, ""},
      {"one that closes", false, {}, ""},
      {"one that closes in its list",
       false,
       {{"", "+OK ready\r\n"}, {"CAPA\r\n", "+OK list\r\nUIDL\r\n"}},
       "CAPA\r\n"},
  };
  for (const auto& c : cases) {
    Shared shared;
    const auto probe = [&](proxy::Connection& store, const proxy::StoreAccess& access) {
      return Pop3Dialect::probe(store, access, shared);
    };
    const proxy::Played played = proxy::play_store(probe, c.lines);
    EXPECT_EQ(played.outcome.has_value(), c.well) << c.what;
    EXPECT_EQ(played.heard, c.heard) << c.what;
  }
}

}  // namespace
}  // namespace openmmp::pop3
