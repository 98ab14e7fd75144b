// The ConnLimits option: how many connections a client address may hold, by where it comes from.
//   IP|MASK:NUMBER,IP|MASK:NUMBER,...     or the name of a file with one entry a line
// The first entry that has the address counts. NETWORK/BITS:NUMBER is taken, too, for IPv6 as well.
// The entry for all of IPv4 is the documented catch-all, and holds for IPv6 clients, too. Pure.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/network.h"
#include "ipc/runtime/result.h"

namespace openmmp::config {

class ConnLimits {
 public:
  // The value itself, or the text of its file ("#" comments). Errc::protocol says which entry is
  // none and what would be accepted.
  static Result<ConnLimits> parse(std::string_view text);

  bool empty() const { return entries_.empty(); }
  // Nothing: no entry has the address, it may hold as many as it likes.
  std::optional<int> limit_of(const SocketAddress& client) const;

 private:
  struct Entry {
    std::optional<Network> network;  // none: every client
    int limit;
  };
  static Result<Entry> parse_entry(std::string_view text);

  std::vector<Entry> entries_;
};

// Whether the value is the name of a file: it is no list, for it has no ':', or it is a path.
bool names_file_of_conn_limits(std::string_view value);

}  // namespace openmmp::config
