// The SASL mechanism LOGIN, draft-murchison-sasl-login: a prompt and the name, a prompt and the
// password. One object for one attempt; after a failed step it is over. Pure.
#pragma once

#include <string>
#include <string_view>

#include "ipc/runtime/result.h"
#include "workers/sasl/plain.h"

namespace openmmp::sasl {

class LoginExchange {
 public:
  // What clients look for; those that speak first, with the name, are spared the first.
  static constexpr std::string_view name_prompt = "Username:";
  static constexpr std::string_view password_prompt = "Password:";

  // First the name, then the password. Errc::refused: check_credentials().
  Result<> take_name(std::string_view message);
  // The same as PLAIN would have brought, without an authzid.
  Result<PlainMessage> take_password(std::string_view message);

 private:
  enum class Step { name, password, over };
  Step step_ = Step::name;
  std::string name_;
};

}  // namespace openmmp::sasl
