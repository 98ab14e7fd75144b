#include "workers/sasl/plain.h"

#include "workers/sasl/base64.h"
#include "workers/sasl/credentials.h"

namespace openmmp::sasl {

Result<PlainMessage> parse_plain(std::string_view message) {
  const size_t first = message.find('\0');
  const size_t second = first == message.npos ? first : message.find('\0', first + 1);
  if (second == message.npos) return fail(Errc::protocol, "The PLAIN message has too few parts.");
  const std::string_view authzid = message.substr(0, first);
  const std::string_view authcid = message.substr(first + 1, second - first - 1);
  const std::string_view password = message.substr(second + 1);
  if (!authzid.empty()) {
    if (auto good = check_name(authzid); !good) return fail(std::move(good.error()));
  }
  if (auto good = check_credentials(authcid, password); !good) return fail(std::move(good.error()));
  return PlainMessage(std::string(authzid), std::string(authcid), Secret::copy_of(password));
}

std::string plain_response(std::string_view user, std::string_view password) {
  return plain_response({}, user, password);
}

std::string plain_response(std::string_view authzid, std::string_view authcid,
                           std::string_view password) {
  std::string message;
  message.reserve(authzid.size() + authcid.size() + password.size() + 2);
  message += authzid;
  message += '\0';
  message += authcid;
  message += '\0';
  message += password;
  std::string text = base64_encode(message);
  wipe(message);
  return text;
}

}  // namespace openmmp::sasl
