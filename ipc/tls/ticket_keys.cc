#include "ipc/tls/ticket_keys.h"

#include <openssl/rand.h>

#include "ipc/runtime/check.h"
#include "ipc/tls/openssl.h"

namespace openmmp::tls {

TicketKey TicketKey::random() {
  std::string bytes(size, '\0');
  // Keys that somebody could guess are worse than no process.
  CHECK(RAND_priv_bytes(bytes_of(bytes), static_cast<int>(size)) == 1);
  return TicketKey(Secret(std::move(bytes)));
}

Result<TicketKey> TicketKey::from_bytes(std::string_view bytes) {
  if (bytes.size() != size) {
    return fail(Errc::protocol, "a ticket key has " + std::to_string(size) + " bytes, not " +
                                    std::to_string(bytes.size()));
  }
  return TicketKey(Secret::copy_of(bytes));
}

}  // namespace openmmp::tls
