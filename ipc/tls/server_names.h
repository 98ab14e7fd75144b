// Which certificates answer for a server name (SNI, RFC 6066): found without memory of its own,
// whatever name a client makes up. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/tls/certificate.h"

namespace openmmp::tls {

class ServerNames {
 public:
  // Indices into the certificates: at most one of each key type, so that each client gets the one
  // that it can verify.
  using Set = std::vector<size_t>;

  // Not for an empty list.
  explicit ServerNames(const std::vector<CertificateFacts>& certificates);

  // The first set is for clients that name no server, or none that we know.
  const std::vector<Set>& sets() const { return sets_; }
  // The set for `name`, in any case, or as "*" stands for its first label; nothing when no
  // certificate is for it.
  std::optional<size_t> find(std::string_view name) const;

 private:
  size_t add_set(Set set);
  std::optional<size_t> look_up(std::string_view name) const;

  std::vector<Set> sets_;
  std::map<std::string, size_t, std::less<>> by_name_;
};

}  // namespace openmmp::tls
