// Networks of IP addresses, as configurations write them, and lists of them: who is trusted, who is
// limited. An IPv4 client is one whichever listener it came through, so an IPv4-mapped IPv6 network
// is an IPv4 network, and "::/0" does not contain IPv4. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/result.h"

namespace openmmp {

class Network {
 public:
  // "192.0.2.0/24", "2001:db8::/32", a bare address, or "192.0.2.0|255.255.255.0" as older files
  // have it. What "/" stands behind must end in zeros, or it is probably not what was meant.
  static Result<Network> parse(std::string_view text);

  bool contains(const SocketAddress& address) const;
  // "192.0.2.0/24", whichever way it was written; a single address without "/".
  std::string to_string() const;
  bool operator==(const Network&) const = default;

 private:
  Network(const SocketAddress& base, unsigned prefix);

  IpBytes base_{};       // zeros behind the prefix
  unsigned prefix_ = 0;  // of 128 bits, so IPv4's is at least 96
};

class Networks {
 public:
  // Networks with blanks or commas between them; none at all is an empty list.
  static Result<Networks> parse(std::string_view text);

  bool empty() const { return list_.empty(); }
  bool contains(const SocketAddress& address) const;
  std::string to_string() const;

 private:
  std::vector<Network> list_;
};

}  // namespace openmmp
