// The keys of session tickets (RFC 5077, RFC 8446 section 4.6.1). All workers of a service have the
// same, so that a client resumes with whichever it meets; new ones come while sessions go on.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "ipc/runtime/result.h"
#include "ipc/runtime/secret.h"

namespace openmmp::tls {

// 16 bytes of name, 32 of AES-256 key, 32 of HMAC-SHA-256 key: as the supervisor sends it.
class TicketKey {
 public:
  static constexpr size_t size = 80;

  static TicketKey random();
  // Errc::protocol: not `size` bytes.
  static Result<TicketKey> from_bytes(std::string_view bytes);

  std::string_view bytes() const { return bytes_.reveal(); }
  std::string_view name() const { return bytes().substr(0, 16); }
  std::string_view aes_key() const { return bytes().substr(16, 32); }
  std::string_view hmac_key() const { return bytes().substr(48, 32); }

 private:
  explicit TicketKey(Secret bytes) : bytes_(std::move(bytes)) {}
  Secret bytes_;
};

// The first one makes new tickets; the others are still taken.
using TicketKeys = std::vector<TicketKey>;

}  // namespace openmmp::tls
