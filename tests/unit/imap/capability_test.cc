#include "workers/imap/capability.h"

#include <gtest/gtest.h>

namespace openmmp::imap {
namespace {

std::string announced(std::string_view base) { return announcement(Capabilities::parse(base)); }

TEST(Capabilities, ParseSkipsWhatIsNone) {
  EXPECT_EQ(Capabilities::parse("").render(), "");
  EXPECT_EQ(Capabilities::parse("  A  B ").render(), "A B");
  EXPECT_EQ(Capabilities::parse("A a A").render(), "A");
  EXPECT_EQ(Capabilities::parse("A (B) \"C\" D{5} \x80 E\tF G").render(), "A G");
  EXPECT_EQ(Capabilities::parse("A " + std::string(65, 'B') + " C").render(), "A C");
}

TEST(Capabilities, ParseIsBounded) {
  std::string list;
  for (int i = 0; i < 5000; ++i) list += "X" + std::to_string(i) + ' ';
  const std::string rendered = Capabilities::parse(list).render();
  EXPECT_EQ(std::count(rendered.begin(), rendered.end(), ' '), 127);
}

TEST(Capabilities, AreASetWithAnOrder) {
  Capabilities list = Capabilities::parse("IMAP4rev1 IDLE AUTH=PLAIN AUTH=LOGIN");
  EXPECT_TRUE(list.has("idle"));
  EXPECT_FALSE(list.has("IDL"));
  list.remove("idle");
  list.add("imap4REV1");
  list.add("QUOTA");
  EXPECT_EQ(list.render(), "IMAP4rev1 AUTH=PLAIN AUTH=LOGIN QUOTA");
  list.remove_starting_with("auth=");
  EXPECT_EQ(list.render(), "IMAP4rev1 QUOTA");
  list.keep_common(Capabilities::parse("quota x"));
  EXPECT_EQ(list.render(), "QUOTA");
}

TEST(Announcement, SaysWhatWeDoOurselves) {
  EXPECT_EQ(announced(""), "IMAP4rev1 LITERAL+ SASL-IR ID");
  EXPECT_EQ(announced("IMAP4 IMAP4rev1 ACL QUOTA LITERAL+ AUTH=PLAIN"),
            "IMAP4 IMAP4rev1 ACL QUOTA LITERAL+ SASL-IR ID");
  EXPECT_EQ(announced("IDLE"), "IMAP4rev1 IDLE LITERAL+ SASL-IR ID");
}

TEST(Announcement, LeavesOutWhatIsNotTheStoresToOffer) {
  EXPECT_EQ(announced("IMAP4rev1 STARTTLS LOGINDISABLED AUTH=CRAM-MD5 auth=gssapi LOGIN-REFERRALS "
                      "LITERAL- IDLE"),
            "IMAP4rev1 IDLE LITERAL+ SASL-IR ID");
}

TEST(StoreCapabilities, AnnouncesWhatAllStoresHaveInCommon) {
  StoreCapabilities stores;
  EXPECT_EQ(stores.announcement(), "IMAP4rev1 LITERAL+ SASL-IR ID");
  stores.learn("IMAP4rev1 IDLE ACL QUOTA");
  EXPECT_EQ(stores.announcement(), "IMAP4rev1 IDLE ACL QUOTA LITERAL+ SASL-IR ID");
  stores.learn("IMAP4rev1 QUOTA IDLE UNSELECT");
  EXPECT_EQ(stores.announcement(), "IMAP4rev1 QUOTA IDLE LITERAL+ SASL-IR ID");
  stores.learn("IMAP4rev1 IDLE ACL QUOTA");
  EXPECT_EQ(stores.announcement(), "IMAP4rev1 QUOTA IDLE LITERAL+ SASL-IR ID");
}

TEST(StoreCapabilities, ForgetsListsThatAreNotSeenAnyMore) {
  StoreCapabilities stores;
  stores.learn("IMAP4rev1");
  for (int i = 0; i < 16; ++i) {
    stores.learn("IMAP4rev1 IDLE X" + std::to_string(i));
  }
  EXPECT_EQ(stores.announcement(), "IMAP4rev1 IDLE LITERAL+ SASL-IR ID");
}

}  // namespace
}  // namespace openmmp::imap
