#include "workers/sasl/login.h"

#include "ipc/runtime/check.h"
#include "workers/sasl/credentials.h"

namespace openmmp::sasl {

Result<> LoginExchange::take_name(std::string_view message) {
  CHECK(step_ == Step::name);
  step_ = Step::over;
  if (auto good = check_name(message); !good) return good;
  name_ = message;
  step_ = Step::password;
  return {};
}

Result<PlainMessage> LoginExchange::take_password(std::string_view message) {
  CHECK(step_ == Step::password);
  step_ = Step::over;
  if (auto good = check_credentials(name_, message); !good) return fail(std::move(good.error()));
  return PlainMessage(std::string(), std::move(name_), Secret::copy_of(message));
}

}  // namespace openmmp::sasl
