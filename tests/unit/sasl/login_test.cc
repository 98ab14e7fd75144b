#include "workers/sasl/login.h"

#include <gtest/gtest.h>

namespace openmmp::sasl {
namespace {

TEST(Login, TakesNameAndPassword) {
  LoginExchange login;
  ASSERT_TRUE(login.take_name("joe@example.com"));
  const Result<PlainMessage> message = login.take_password(" with blanks ");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->authzid, "");
  EXPECT_EQ(message->authcid, "joe@example.com");
  EXPECT_EQ(message->password.reveal(), " with blanks ");
}

TEST(Login, RefusesWhatIsNoName) {
  for (const std::string& name : {std::string(), std::string("joe\0", 4), std::string("a\nb"),
                                  std::string("j\xf6rg"), std::string(5000, 'a')}) {
    LoginExchange login;
    const Result<> taken = login.take_name(name);
    ASSERT_FALSE(taken) << name;
    EXPECT_EQ(taken.error().code, Errc::refused);
    EXPECT_DEATH((void)login.take_password("secret"), "step_");
  }
}

TEST(Login, RefusesWhatIsNoPassword) {
  for (const std::string& password :
       {std::string(), std::string("a\0b", 3), std::string("a\r"), std::string("\n")}) {
    LoginExchange login;
    ASSERT_TRUE(login.take_name("joe"));
    const Result<PlainMessage> message = login.take_password(password);
    ASSERT_FALSE(message);
    EXPECT_EQ(message.error().code, Errc::refused);
  }
}

TEST(Login, KeepsItsOrder) {
  LoginExchange early;
  EXPECT_DEATH((void)early.take_password("secret"), "step_");
  LoginExchange late;
  ASSERT_TRUE(late.take_name("joe"));
  EXPECT_DEATH((void)late.take_name("jane"), "step_");
  ASSERT_TRUE(late.take_password("secret"));
  EXPECT_DEATH((void)late.take_password("secret"), "step_");
}

}  // namespace
}  // namespace openmmp::sasl
