// Lists of capabilities, each line the one of a store: what is announced must stay ours to say.
#include "tests/fuzz/fuzz.h"
#include "workers/imap/capability.h"

namespace openmmp::fuzz {
namespace {

using imap::Capabilities;

void check_announcement(std::string_view announcement) {
  const Capabilities list = Capabilities::parse(announcement);
  for (const char* never : {"STARTTLS", "LOGINDISABLED", "LOGIN-REFERRALS", "LITERAL-"}) {
    CHECK(!list.has(never));
  }
  CHECK(list.has("IMAP4rev1") && is_one_line(announcement));
  CHECK(announcement.find(']') == announcement.npos);
  CHECK(announcement.size() <= 140 * 65);
}

}  // namespace

void check_input(std::string_view input) {
  imap::StoreCapabilities stores;
  for_each_line(input, [&stores](std::string_view line) {
    const Capabilities list = Capabilities::parse(line);
    CHECK(Capabilities::parse(list.render()) == list);
    check_announcement(imap::announcement(list));
    CHECK(stores.learn(line).auth_plain == list.has("AUTH=PLAIN"));
    check_announcement(stores.announcement());
  });
}

}  // namespace openmmp::fuzz
