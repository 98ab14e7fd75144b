#include <gtest/gtest.h>

#include "tests/unit/proxy/scripted_store.h"
#include "workers/imap/imap_dialect.h"

namespace openmmp::imap {
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
       {{"", "* OK ready\r\n"},
        {"a1 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1\r\na1 OK done\r\n"},
        {"a2 LOGOUT\r\n", "* BYE see you\r\na2 OK bye\r\n"}},
       "a1 CAPABILITY\r\na2 LOGOUT\r\n"},
      {"one that does not know CAPABILITY",
       true,
       {{"", "* OK ready\r\n"},
        {"a1 CAPABILITY\r\n", "a1 BAD what?\r\n"},
        {"a2 LOGOUT\r\n", "* BYE\r\na2 OK\r\n"}},
       "a1 CAPABILITY\r\na2 LOGOUT\r\n"},
      {"one that is gone at LOGOUT",
       true,
       {{"", "* OK ready\r\n"}, {"a1 CAPABILITY\r\n", "a1 OK done\r\n"}},
       "a1 CAPABILITY\r\na2 LOGOUT\r\n"},
      {"one without a password", false, {{"", "* PREAUTH hello root\r\n"}}, ""},
      {"one that is full", false, {{"", "* BYE busy\r\n"}}, ""},
      {"another protocol", false, {{"", "+OK POP3\r\n"}}, ""},
      {"one that closes", false, {}, ""},
      {"one that closes later",
       false,
       {{"", "* OK ready\r\n"}, {"a1 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1\r\n"}},
       "a1 CAPABILITY\r\n"},
      {"one that says goodbye",
       false,
       {{"", "* OK ready\r\n"}, {"a1 CAPABILITY\r\n", "* BYE now\r\n"}},
       "a1 CAPABILITY\r\n"},
  };
  for (const auto& c : cases) {
    StoreCapabilities capabilities;
    const auto probe = [&](proxy::Connection& store, const proxy::StoreAccess& access) {
      return ImapDialect::probe(store, access, capabilities);
    };
    const proxy::Played played = proxy::play_store(probe, c.lines);
    EXPECT_EQ(played.outcome.has_value(), c.well) << c.what;
    EXPECT_EQ(played.heard, c.heard) << c.what;
  }
}

}  // namespace
}  // namespace openmmp::imap
