#include "workers/sasl/credentials.h"

#include <algorithm>

#include "ipc/runtime/text.h"

namespace openmmp::sasl {
Result<> check_credentials(std::string_view user, std::string_view password) {
  if (user.empty()) return fail(Errc::refused, "The user name is empty.");
  if (std::any_of(user.begin(), user.end(), is_control)) {
    return fail(Errc::refused, "The user name contains a control character.");
  }
  if (!is_utf8(user)) return fail(Errc::refused, "The user name is not UTF-8.");
  if (password.empty()) return fail(Errc::refused, "The password is empty.");
  if (password.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos) {
    return fail(Errc::refused, "The password contains NUL, CR or LF.");
  }
  return {};
}

}  // namespace openmmp::sasl
