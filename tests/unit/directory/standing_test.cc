#include "workers/directory/standing.h"

#include <gtest/gtest.h>

namespace openmmp::directory {
namespace {

constexpr auto active = Standing::active;
constexpr auto suspended = Standing::suspended;
constexpr auto closed = Standing::closed;

TEST(Standing, OfEachValue) {
  const struct {
    const char* value;
    Standing of_user;
    Standing of_domain;
  } cases[] = {
      {"active", active, active},
      {"Active", active, active},
      {" active ", active, active},
      {"overquota", active, active},
      {"OVERQUOTA", active, active},
      {"", active, active},
      {"  ", active, active},
      {"hold", suspended, suspended},
      {"inactive", suspended, suspended},
      {"defer", suspended, closed},
      {"Defer-Submit", suspended, closed},
      {"disabled", closed, closed},
      {"deleted", closed, closed},
      {"removed", closed, closed},
      {"activ", closed, closed},
      {"active hold", closed, closed},
      {"\xFF", closed, closed},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(standing_of(StatusOf::user, c.value), c.of_user) << c.value;
    EXPECT_EQ(standing_of(StatusOf::domain, c.value), c.of_domain) << c.value;
  }
}

TEST(Standing, TheLeastPermissiveWins) {
  const struct {
    const char* domain;
    const char* mail_domain;
    const char* user;
    const char* mail_user;
    Standing standing;
    const char* text;
  } cases[] = {
      {nullptr, nullptr, nullptr, nullptr, active, ""},
      {"active", "overquota", "active", "active", active, ""},
      {"hold", nullptr, nullptr, nullptr, suspended, "domain 'x.org' inetDomainStatus: 'hold'"},
      {nullptr, "Hold", nullptr, nullptr, suspended, "domain 'x.org' mailDomainStatus: 'Hold'"},
      {nullptr, nullptr, "deleted", nullptr, closed, "user 'u@x.org' inetUserStatus: 'deleted'"},
      {"active", "active", "active", "disabled", closed,
       "user 'u@x.org' mailUserStatus: 'disabled'"},
      // The worse of two, and of equals the first.
      {"hold", nullptr, nullptr, "disabled", closed, "user 'u@x.org' mailUserStatus: 'disabled'"},
      {"deleted", nullptr, nullptr, "hold", closed, "domain 'x.org' inetDomainStatus: 'deleted'"},
      {"hold", "inactive", "hold", "defer", suspended, "domain 'x.org' inetDomainStatus: 'hold'"},
      {nullptr, nullptr, "removed", "deleted", closed, "user 'u@x.org' inetUserStatus: 'removed'"},
      {nullptr, nullptr, nullptr, "a\r\nb", closed, "user 'u@x.org' mailUserStatus: 'a  b'"},
  };
  for (const auto& c : cases) {
    Entry domain("o=x");
    Entry user("uid=u,o=x");
    if (c.domain != nullptr) domain.add("inetDomainStatus", c.domain);
    if (c.mail_domain != nullptr) domain.add("mailDomainStatus", c.mail_domain);
    if (c.user != nullptr) user.add("inetUserStatus", c.user);
    if (c.mail_user != nullptr) user.add("mailUserStatus", c.mail_user);
    Judgement judgement;
    judgement.add(StatusOf::domain, "x.org", domain, "inetDomainStatus");
    judgement.add(StatusOf::domain, "x.org", domain, "mailDomainStatus");
    judgement.add(StatusOf::user, "u@x.org", user, "inetUserStatus");
    judgement.add(StatusOf::user, "u@x.org", user, "mailUserStatus");
    EXPECT_EQ(judgement.standing(), c.standing) << c.text;
    EXPECT_EQ(judgement.text(), c.text);
  }
}

TEST(Standing, EveryValueCounts) {
  Entry user("uid=u,o=x");
  user.add("mailUserStatus", "active");
  user.add("mailUserStatus", "hold");
  Judgement judgement;
  judgement.add(StatusOf::user, "u", user, "MAILUSERSTATUS");
  EXPECT_EQ(judgement.standing(), suspended);
}

}  // namespace
}  // namespace openmmp::directory
