#include "workers/sasl/stored_password.h"

#include <algorithm>

#include "ipc/runtime/text.h"

namespace openmmp::sasl {
namespace {

bool is_scheme_character(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-' || c == '/';
}

// Cuts "{scheme}" off `value`; empty: it has none.
std::string take_scheme(std::string_view& value) {
  const size_t end = value.find('}');
  if (!value.starts_with('{') || end == value.npos) return {};
  const std::string_view name = value.substr(1, end - 1);
  if (!std::all_of(name.begin(), name.end(), is_scheme_character)) return {};
  if (!name.empty()) value.remove_prefix(end + 1);
  return lower_case(name);
}

bool is_clear(std::string_view scheme) {
  return scheme.empty() || scheme == "clear" || scheme == "cleartext" || scheme == "plain";
}

}  // namespace

StoredPassword classify_password(std::string_view value) {
  constexpr std::string_view scram = "scram-sha-256";
  std::string_view rest = value;
  std::string scheme = take_scheme(rest);
  if (scheme.empty() && starts_with_ignoring_case(value, "SCRAM-SHA-256$")) scheme = scram;
  if (scheme == scram) {
    if (auto secret = parse_scram_secret(value)) return std::move(*secret);
  }
  // Everybody knows the empty password, so it serves nobody.
  if (!is_clear(scheme) || rest.empty()) {
    return OpaquePassword{std::move(scheme), Secret::copy_of(rest)};
  }
  return ClearPassword{Secret::copy_of(rest)};
}

}  // namespace openmmp::sasl
