#include "workers/proxy/session_log.h"

#include <gtest/gtest.h>

namespace openmmp::proxy {
namespace {

TEST(RefusalFor, TellsTheClientOnlyWhatItMayKnow) {
  const struct {
    Stage stage;
    Errc code;
    Refusal refusal;
  } cases[] = {
      // A user that is not there and a password that is wrong look the same.
      {Stage::directory, Errc::refused, Refusal::credentials},
      {Stage::login, Errc::refused, Refusal::credentials},
      {Stage::directory, Errc::unavailable, Refusal::unavailable},
      {Stage::directory, Errc::timeout, Refusal::unavailable},
      {Stage::directory, Errc::internal, Refusal::unavailable},
      {Stage::connect, Errc::unavailable, Refusal::store_down},
      {Stage::connect, Errc::timeout, Refusal::store_down},
      {Stage::connect, Errc::refused, Refusal::store_down},
      {Stage::login, Errc::unavailable, Refusal::unavailable},
      {Stage::login, Errc::timeout, Refusal::store_down},
      {Stage::login, Errc::closed, Refusal::store_down},
      {Stage::login, Errc::protocol, Refusal::store_down},
      {Stage::login, Errc::limit, Refusal::store_down},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(refusal_for(c.stage, Error(c.code, "")), c.refusal)
        << static_cast<int>(c.stage) << ' ' << static_cast<int>(c.code);
  }
}

}  // namespace
}  // namespace openmmp::proxy
