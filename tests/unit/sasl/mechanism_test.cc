#include "workers/sasl/mechanism.h"

#include <gtest/gtest.h>

#include <string>

#include "ipc/runtime/text.h"

namespace openmmp::sasl {
namespace {

struct Case {
  Mechanism mechanism;
  const char* name;
  bool takes_initial_response;
  bool reveals_secret;
};
const Case cases[] = {
    {Mechanism::plain, "PLAIN", true, true},
    {Mechanism::login, "LOGIN", true, true},
    {Mechanism::external, "EXTERNAL", true, false},
    {Mechanism::cram_md5, "CRAM-MD5", false, false},
    {Mechanism::scram_sha_256, "SCRAM-SHA-256", true, false},
    {Mechanism::scram_sha_256_plus, "SCRAM-SHA-256-PLUS", true, false},
    {Mechanism::xoauth2, "XOAUTH2", true, true},
    {Mechanism::oauthbearer, "OAUTHBEARER", true, true},
};

TEST(Mechanism, HasOneNameAndTwoTraits) {
  for (const Case& c : cases) {
    EXPECT_EQ(name_of(c.mechanism), c.name);
    EXPECT_EQ(from_name(c.name), c.mechanism);
    EXPECT_EQ(from_name(lower_case(c.name)), c.mechanism);
    EXPECT_EQ(takes_initial_response(c.mechanism), c.takes_initial_response) << c.name;
    EXPECT_EQ(reveals_secret(c.mechanism), c.reveals_secret) << c.name;
  }
}

TEST(Mechanism, DoesNotTakeOtherNames) {
  for (const char* name : {"", "PLAI", "PLAINS", " PLAIN", "PLAIN ", "SCRAM-SHA-1",
                           "SCRAM-SHA-256-", "CRAM_MD5", "ANONYMOUS", "GSSAPI", "OAUTH2"}) {
    EXPECT_FALSE(from_name(name)) << name;
  }
  EXPECT_FALSE(from_name(std::string_view("PLAIN\0", 6)));
}

}  // namespace
}  // namespace openmmp::sasl
