#include "workers/sasl/credentials.h"

#include <algorithm>

#include "ipc/runtime/text.h"

namespace openmmp::sasl {
namespace {

// RFC 5321 allows 320 bytes for an address; the rest is for those who quote and nest.
constexpr size_t longest_name = 1024;

}  // namespace

Result<> check_name(std::string_view user) {
  if (user.empty()) return fail(Errc::refused, "The user name is empty.");
  if (user.size() > longest_name) return fail(Errc::refused, "The user name is too long.");
  if (std::any_of(user.begin(), user.end(), is_control)) {
    return fail(Errc::refused, "The user name contains a control character.");
  }
  if (!is_utf8(user)) return fail(Errc::refused, "The user name is not UTF-8.");
  return {};
}

Result<> check_credentials(std::string_view user, std::string_view password) {
  if (auto good = check_name(user); !good) return good;
  if (password.empty()) return fail(Errc::refused, "The password is empty.");
  if (password.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos) {
    return fail(Errc::refused, "The password contains NUL, CR or LF.");
  }
  return {};
}

}  // namespace openmmp::sasl
